//! Work off the main thread: a closure that runs on Node's thread pool and whose result resolves a promise.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi::{Env, Task};

use crate::error::Thrown;

/// One closure to run, and the JavaScript type its result becomes.
pub struct Work<T, J> {
    body: Option<Body<T>>,
    becomes: PhantomData<fn() -> J>,
}

type Body<T> = Box<dyn FnOnce() -> Result<T, Thrown> + Send>;

impl<T, J> Work<T, J> {
    /// Starts `body` on the thread pool.
    pub fn start(body: impl FnOnce() -> Result<T, Thrown> + Send + 'static) -> AsyncTask<Work<T, J>>
    where
        T: Send + 'static,
        J: From<T> + ToNapiValue + TypeName,
    {
        AsyncTask::new(Work { body: Some(Box::new(body)), becomes: PhantomData })
    }
}

impl<T: Send + 'static, J: From<T> + ToNapiValue + TypeName> Task for Work<T, J> {
    type Output = T;
    type JsValue = J;

    fn compute(&mut self) -> napi::Result<T> {
        let body = self.body.take().expect("the thread pool runs a task once");
        // A panic that leaves this function would end the whole process.
        catch_unwind(AssertUnwindSafe(body))
            .unwrap_or_else(|payload| Err(Thrown::failed(panic_message(&*payload))))
            .map_err(napi::Error::from)
    }

    fn resolve(&mut self, _env: Env, output: T) -> napi::Result<J> {
        Ok(J::from(output))
    }
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the engine panicked")
}
