//! What users can set. `Config` is what was asked for, `Options` is what is in force.
//!
//! Every default stands in [`Options::resolve`] and nowhere else.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::metric::Metric;

/// Largest number of dimensions.
pub const MAX_DIMENSIONS: usize = 65_536;
/// Largest number of rows: slots have 31 bits, the last values are reserved.
pub const MAX_ROWS: usize = (1 << 31) - 2;
/// Up to here a code takes as many cache lines as the vector itself, and tells fewer rows apart.
const UNCODED_DIMENSIONS: usize = 16;
const MAX_M: usize = 256;
const MAX_EF: usize = 65_536;

/// Options as given; what is absent takes its default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Number of components of every vector, 1 to 65,536.
    pub dimensions: usize,
    /// How rows are ranked.
    pub distance_metric: Option<Metric>,
    /// Number of rows to reserve id places for, up to about a million. A hint: more rows may be inserted.
    pub max_elements: Option<usize>,
    /// The graph's parameters.
    #[serde(default)]
    pub hnsw_config: HnswConfig,
    /// How rows are coded for the walk through the graph.
    pub quantization: Option<Quantization>,
}

/// Parameters of the HNSW graph, in the paper's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HnswConfig {
    /// Links of a new row per layer, 2 to 256; the bottom layer keeps up to twice as many.
    pub m: Option<usize>,
    /// Length of the candidate list while inserting, 1 to 65,536. Larger: better graph, slower inserts.
    pub ef_construction: Option<usize>,
    /// Length of the candidate list while searching, 1 to 65,536. Larger: better recall, slower searches.
    pub ef_search: Option<usize>,
}

/// How rows are coded for the walk through the graph. Hits are always rescored with the original vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantization {
    /// The original f32 vectors.
    None,
    /// One signed byte per dimension and one scale per row. Not available for the Manhattan distance.
    Scalar,
}

impl Config {
    /// Reads options from JSON text; unknown names are refused.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] when the text is not an object of known options with values of the right type.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map_err(|error| Error::InvalidOption { option: "options".to_owned(), reason: error.to_string() })
    }
}

/// The options in force in a database; also what a file records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// Number of components of every vector.
    pub dimensions: usize,
    /// How rows are ranked.
    pub distance_metric: Metric,
    /// Links of a new row per layer.
    pub m: usize,
    /// Length of the candidate list while inserting.
    pub ef_construction: usize,
    /// Length of the candidate list while searching.
    pub ef_search: usize,
    /// How rows are coded for the walk through the graph.
    pub quantization: Quantization,
}

impl Options {
    /// Fills the defaults in and checks every range.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with the option's name and range.
    pub fn resolve(config: &Config) -> Result<Self, Error> {
        let distance_metric = config.distance_metric.unwrap_or_default();
        let options = Self {
            dimensions: config.dimensions,
            distance_metric,
            m: config.hnsw_config.m.unwrap_or(16),
            ef_construction: config.hnsw_config.ef_construction.unwrap_or(200),
            ef_search: config.hnsw_config.ef_search.unwrap_or(100),
            quantization: config.quantization.unwrap_or(match distance_metric {
                Metric::Manhattan => Quantization::None,
                _ if config.dimensions <= UNCODED_DIMENSIONS => Quantization::None,
                _ => Quantization::Scalar,
            }),
        };
        options.check()?;
        if let Some(rows) = config.max_elements {
            within("maxElements", rows, 1, MAX_ROWS)?;
        }
        Ok(options)
    }

    /// The options for opening a file that was built with `self`: what `config` states must agree with the file,
    /// except `efConstruction` and `efSearch`, which may be changed at any time.
    ///
    /// # Errors
    /// [`Error::Mismatch`] naming the first option that differs, [`Error::InvalidOption`] for a value out of range.
    pub fn adopt(self, config: &Config) -> Result<Self, Error> {
        Self::resolve(config)?;
        agree("dimensions", Some(config.dimensions), self.dimensions)?;
        agree("distanceMetric", config.distance_metric, self.distance_metric)?;
        agree("quantization", config.quantization, self.quantization)?;
        agree("hnswConfig.m", config.hnsw_config.m, self.m)?;
        Ok(Self {
            ef_construction: config.hnsw_config.ef_construction.unwrap_or(self.ef_construction),
            ef_search: config.hnsw_config.ef_search.unwrap_or(self.ef_search),
            ..self
        })
    }

    /// Checks every range; also run on options read from a file.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within("dimensions", self.dimensions, 1, MAX_DIMENSIONS)?;
        within("hnswConfig.m", self.m, 2, MAX_M)?;
        within("hnswConfig.efConstruction", self.ef_construction, 1, MAX_EF)?;
        within("hnswConfig.efSearch", self.ef_search, 1, MAX_EF)?;
        if self.distance_metric == Metric::Manhattan && self.quantization == Quantization::Scalar {
            return Err(Error::InvalidOption {
                option: "quantization".to_owned(),
                reason: "scalar codes have no Manhattan distance; use 'none'".to_owned(),
            });
        }
        Ok(())
    }
}

fn within(option: &str, value: usize, least: usize, most: usize) -> Result<(), Error> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::InvalidOption {
        option: option.to_owned(),
        reason: format!("{value} is outside its range, {least} to {most}"),
    })
}

fn agree<T: PartialEq + Serialize + Copy>(option: &str, asked: Option<T>, found: T) -> Result<(), Error> {
    match asked {
        Some(asked) if asked != found => {
            let text = |value: T| serde_json::to_string(&value).unwrap_or_default();
            Err(Error::Mismatch { option: option.to_owned(), expected: text(asked), received: text(found) })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_out_of_range_options_are_refused() {
        for (json, named) in [
            (r#"{"dimensions":3,"dimension":3}"#, "dimension"),
            (r#"{"dimensions":-1}"#, "-1"),
            (r#"{"dimensions":3,"hnswConfig":{"M":4}}"#, "M"),
            (r#"{"dimensions":3,"distanceMetric":"cos"}"#, "cos"),
        ] {
            let error = Config::from_json(json).unwrap_err();
            assert_eq!(error.code(), "InvalidOption");
            assert!(error.to_string().contains(named), "{error}");
        }
        for json in [
            r#"{"dimensions":0}"#,
            r#"{"dimensions":65537}"#,
            r#"{"dimensions":3,"hnswConfig":{"m":1}}"#,
            r#"{"dimensions":3,"hnswConfig":{"efSearch":0}}"#,
            r#"{"dimensions":3,"maxElements":0}"#,
            r#"{"dimensions":3,"distanceMetric":"manhattan","quantization":"scalar"}"#,
        ] {
            let error = Options::resolve(&Config::from_json(json).unwrap()).unwrap_err();
            assert_eq!(error.code(), "InvalidOption", "{json}");
        }
    }

    #[test]
    fn a_file_keeps_its_structure_and_takes_new_list_lengths() {
        let file = Options::resolve(&Config::from_json(r#"{"dimensions":3,"hnswConfig":{"m":8}}"#).unwrap())
            .unwrap();
        let asked = Config::from_json(r#"{"dimensions":3,"hnswConfig":{"efSearch":99}}"#).unwrap();
        let adopted = file.adopt(&asked).unwrap();
        assert_eq!((adopted.m, adopted.ef_search), (8, 99));
        let asked = Config::from_json(r#"{"dimensions":4}"#).unwrap();
        assert_eq!(file.adopt(&asked).unwrap_err().code(), "Mismatch");
    }
}
