//! How an error of the core becomes a JavaScript `Error`.

/// An error on its way out: a JavaScript `Error` whose message is the core's JSON.
pub struct Thrown(napi::Error);

impl From<annywhere::Error> for Thrown {
    fn from(error: annywhere::Error) -> Thrown {
        Thrown(napi::Error::from_reason(error.to_json()))
    }
}

impl From<Thrown> for napi::Error {
    fn from(Thrown(error): Thrown) -> napi::Error {
        error
    }
}

impl Thrown {
    /// A failure of the engine itself. The message is not JSON, by which TypeScript knows it.
    pub fn failed(reason: &str) -> Thrown {
        Thrown(napi::Error::from_reason(reason))
    }
}
