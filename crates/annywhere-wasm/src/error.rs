//! How an error of the core becomes a JavaScript `Error`.

use wasm_bindgen::{JsError, JsValue};

/// An error on its way out: a JavaScript `Error` whose message is the core's JSON.
pub struct Thrown(annywhere::Error);

impl From<annywhere::Error> for Thrown {
    fn from(error: annywhere::Error) -> Thrown {
        Thrown(error)
    }
}

impl From<Thrown> for JsValue {
    fn from(Thrown(error): Thrown) -> JsValue {
        JsError::new(&error.to_json()).into()
    }
}
