//! The codes of few bits, with one factor per row: a scan's are nibbles, looked up in tables.

use super::product::ProductCodec;
use super::rabitq::RabitqCodec;
use super::tables::Tables;
use crate::kernels::Kernels;
use crate::options::{Options, Quantization};

#[derive(Debug, Clone)]
pub(crate) enum Codec {
    Rabitq(RabitqCodec),
    Product(ProductCodec),
}

impl Codec {
    /// The codec of the options; `None` where they say that nothing is coded.
    pub(crate) fn new(options: &Options) -> Option<Self> {
        match options.quantization {
            Quantization::Rabitq { bits } => {
                Some(Self::Rabitq(RabitqCodec::new(u32::from(bits?), options.dimensions)))
            }
            Quantization::Product { subspaces, k } => {
                Some(Self::Product(ProductCodec::new(subspaces?, k?, options.dimensions)))
            }
            Quantization::None | Quantization::Scalar => None,
        }
    }

    /// Components of a vector that is to be coded.
    pub(crate) fn padded(&self) -> usize {
        match self {
            Self::Rabitq(codec) => codec.padded(),
            Self::Product(codec) => codec.padded(),
        }
    }

    /// Bytes of a row's code.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Rabitq(codec) => codec.bytes(),
            Self::Product(codec) => codec.bytes(),
        }
    }

    /// Codes a padded vector, which is overwritten, and returns its factor.
    #[inline(always)]
    pub(crate) fn encode<K: Kernels>(&self, kernels: K, vector: &mut [f32], code: &mut [u8]) -> f32 {
        match self {
            Self::Rabitq(codec) => codec.encode(kernels, vector, code),
            Self::Product(codec) => codec.encode(kernels, vector, code),
        }
    }

    /// Fills the tables for a query.
    #[inline(always)]
    pub(crate) fn aim<K: Kernels>(&self, kernels: K, query: &[f32], tables: &mut Tables) {
        match self {
            Self::Rabitq(codec) => codec.aim(kernels, query, tables),
            Self::Product(codec) => codec.aim(kernels, query, tables),
        }
    }
}
