//! The choice among the instruction sets of x86-64, at run time: AVX-512, AVX2, plain loops on older processors.

use super::avx2::Avx2;
use super::avx512::Avx512;
use super::{Task, scalar};

pub(super) fn run<T: Task>(task: T) -> T::Output {
    if let Some(kernels) = Avx512::detect() {
        kernels.run(task)
    } else if let Some(kernels) = Avx2::detect() {
        kernels.run(task)
    } else {
        scalar::run(task)
    }
}

pub(super) fn name() -> &'static str {
    if Avx512::detect().is_some() {
        "avx512"
    } else if Avx2::detect().is_some() {
        "avx2"
    } else {
        scalar::name()
    }
}
