//! What users can set. `Config` is what was asked for, `Options` is what is in force.
//!
//! Every default stands in [`Options::resolve`] and nowhere else.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::filter::FilterLimits;
use crate::kernels::TABLE_ENTRIES;
use crate::metric::Metric;
use crate::quantize::product::SUBSPACE_STEP;

/// Largest number of dimensions.
pub const MAX_DIMENSIONS: usize = 65_536;
/// Largest number of rows: slots have 31 bits, the last values are reserved.
pub const MAX_ROWS: usize = (1 << 31) - 2;
/// Up to here a code takes as many cache lines as the vector itself, and tells fewer rows apart.
const UNCODED_DIMENSIONS: usize = 16;
/// Dimensions of a subspace by default: two bits for each, as a scan's.
const GRAPH_SUBSPACE: usize = 4;
/// Centres of a graph's subspaces: a byte picks one.
const GRAPH_CENTRES: usize = 256;
const MAX_M: usize = 256;
const MAX_EF: usize = 65_536;
/// Bytes of what says which vectors may be compared.
const LONGEST_EMBEDDING: usize = 4_096;
/// Every text of a row is read once per field.
const MAX_TEXT_FIELDS: usize = 32;
/// Bytes of a dotted path.
pub(crate) const LONGEST_FIELD: usize = 1_024;

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
    /// How neighbours are found.
    pub index: Option<Index>,
    /// The graph's parameters; giving them chooses the graph.
    pub hnsw_config: Option<HnswConfig>,
    /// How rows are coded for finding candidates.
    pub quantization: Option<Quantization>,
    /// In how many bits components of vectors are kept.
    pub precision: Option<Precision>,
    /// Part of the true neighbours that a scan aims to find, 0.5 to 1.
    pub target_recall: Option<f32>,
    /// How large filters may be. Not kept in files.
    pub filter_limits: Option<FilterLimits>,
    /// Dotted paths of the metadata fields whose words can be searched, up to 32; none: no words.
    pub text_fields: Option<Vec<String>>,
    /// Which vectors may be compared with each other, in the words of whoever makes them: kept, and compared as it is.
    pub embedding: Option<String>,
}

/// In how many bits components of vectors are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As given. The default.
    #[default]
    F32,
    /// Rounded to IEEE 754 half precision when they are inserted: 11 significant bits, magnitudes to 65,504. Files are
    /// half as large. In memory they take 32 bits all the same.
    F16,
}

/// How neighbours are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Index {
    /// The graph if `hnsw_config` or codes that only a graph has are given or the metric is Manhattan, else the scan. The
    /// default.
    Auto,
    /// Codes in cells, scanned. Without quantization, and so under Manhattan, every row is compared.
    Scan,
    /// A graph.
    Hnsw,
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

/// How rows are coded for finding candidates. Hits are always rescored with the original vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StatedQuantization", into = "StatedQuantization")]
pub enum Quantization {
    /// The original f32 vectors.
    None,
    /// One signed byte per dimension and one scale per row, for the graph. Not available for the Manhattan distance.
    Scalar,
    /// Few bits per dimension and an error bound. Not available for the Manhattan distance.
    Rabitq {
        /// 1, 2 or 4; by default 1 from 256 dimensions on, 2 from 64 on, else 4.
        bits: Option<u8>,
    },
    /// Product quantization. Takes training, and is no better than `Rabitq`. Not available for the Manhattan distance.
    Product {
        /// Parts of a vector that are coded apart. For the scan a multiple of 4, at most the dimensions rounded up to one, by
        /// default one for every two dimensions; for the graph at most the dimensions, by default one for every four.
        subspaces: Option<usize>,
        /// Centres per part: 16 for the scan, 256 for the graph.
        k: Option<usize>,
    },
}

/// [`Quantization`] as JSON: `type`, and what belongs to it. One plain object takes a quarter of the code of a tagged enum.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatedQuantization {
    r#type: QuantizationType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bits: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subspaces: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<usize>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum QuantizationType {
    None,
    Scalar,
    Rabitq,
    Product,
}

impl TryFrom<StatedQuantization> for Quantization {
    type Error = &'static str;

    fn try_from(stated: StatedQuantization) -> Result<Self, &'static str> {
        let StatedQuantization { r#type, bits, subspaces, k } = stated;
        match (r#type, bits, subspaces.or(k)) {
            (QuantizationType::None, None, None) => Ok(Self::None),
            (QuantizationType::Scalar, None, None) => Ok(Self::Scalar),
            (QuantizationType::Rabitq, bits, None) => Ok(Self::Rabitq { bits }),
            (QuantizationType::Product, None, _) => Ok(Self::Product { subspaces, k }),
            _ => Err(
                "quantization has 'bits' for 'rabitq', 'subspaces' and 'k' for 'product', else only a type",
            ),
        }
    }
}

impl From<Quantization> for StatedQuantization {
    fn from(quantization: Quantization) -> Self {
        let plain = |r#type| Self { r#type, bits: None, subspaces: None, k: None };
        match quantization {
            Quantization::None => plain(QuantizationType::None),
            Quantization::Scalar => plain(QuantizationType::Scalar),
            Quantization::Rabitq { bits } => Self { bits, ..plain(QuantizationType::Rabitq) },
            Quantization::Product { subspaces, k } => {
                Self { subspaces, k, ..plain(QuantizationType::Product) }
            }
        }
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// Number of components of every vector.
    pub dimensions: usize,
    /// How rows are ranked.
    pub distance_metric: Metric,
    /// How neighbours are found; never `Auto`.
    pub index: Index,
    /// The graph's links of a new row per layer.
    pub m: usize,
    /// Length of the graph's candidate list while inserting.
    pub ef_construction: usize,
    /// Length of the graph's candidate list while searching.
    pub ef_search: usize,
    /// How rows are coded for finding candidates; bits are never `None`.
    pub quantization: Quantization,
    /// In how many bits components of vectors are kept.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub precision: Precision,
    /// Part of the true neighbours that a scan aims to find.
    pub target_recall: f32,
}

impl Precision {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Options {
    /// Fills the defaults in and checks every range.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with the option's name and range.
    pub fn resolve(config: &Config) -> Result<Self, Error> {
        let distance_metric = config.distance_metric.unwrap_or_default();
        let hnsw = config.hnsw_config.unwrap_or_default();
        let index = match config.index {
            Some(Index::Scan) => Index::Scan,
            Some(Index::Hnsw) => Index::Hnsw,
            Some(Index::Auto) | None => {
                let of_graphs = match config.quantization {
                    Some(Quantization::Scalar) => true,
                    Some(Quantization::Product { k, .. }) => k == Some(GRAPH_CENTRES),
                    _ => false,
                };
                let manhattan = distance_metric == Metric::Manhattan;
                if config.hnsw_config.is_some() || of_graphs || manhattan { Index::Hnsw } else { Index::Scan }
            }
        };
        let quantization = config.quantization.unwrap_or(match index {
            _ if distance_metric == Metric::Manhattan => Quantization::None,
            Index::Hnsw if config.dimensions <= UNCODED_DIMENSIONS => Quantization::None,
            Index::Hnsw => Quantization::Scalar,
            Index::Scan | Index::Auto => Quantization::Rabitq { bits: None },
        });
        let options = Self {
            dimensions: config.dimensions,
            distance_metric,
            index,
            m: hnsw.m.unwrap_or(16),
            ef_construction: hnsw.ef_construction.unwrap_or(200),
            ef_search: hnsw.ef_search.unwrap_or(100),
            quantization: match quantization {
                Quantization::Rabitq { bits: None } => {
                    Quantization::Rabitq { bits: Some(default_bits(config.dimensions)) }
                }
                Quantization::Product { subspaces, k } => {
                    let default = match index {
                        Index::Hnsw => config.dimensions.div_ceil(GRAPH_SUBSPACE),
                        _ => config.dimensions.div_ceil(2).next_multiple_of(SUBSPACE_STEP),
                    };
                    Quantization::Product {
                        subspaces: subspaces.or(Some(default)),
                        k: k.or(Some(product_centres(index))),
                    }
                }
                stated => stated,
            },
            precision: config.precision.unwrap_or_default(),
            target_recall: config.target_recall.unwrap_or(0.99),
        };
        options.check()?;
        if let Some(rows) = config.max_elements {
            within("maxElements", rows, 1, MAX_ROWS)?;
        }
        if index == Index::Scan && config.hnsw_config.is_some() {
            return Err(invalid("hnswConfig", "is for the index 'hnsw' and does nothing for 'scan'"));
        }
        if index == Index::Hnsw && config.target_recall.is_some() {
            return Err(invalid(
                "targetRecall",
                "is for the index 'scan'; the graph has hnswConfig.efSearch",
            ));
        }
        Ok(options)
    }

    /// The options for opening a file that was built with `self`: what `config` states must agree with the file,
    /// except `efConstruction`, `efSearch` and `targetRecall`, which may be changed at any time.
    ///
    /// # Errors
    /// [`Error::Mismatch`] naming the first option that differs, [`Error::InvalidOption`] for a value out of range.
    pub fn adopt(self, config: &Config) -> Result<Self, Error> {
        let asked = Self::resolve(config)?;
        let hnsw = config.hnsw_config.unwrap_or_default();
        agree("dimensions", Some(config.dimensions), self.dimensions)?;
        agree("distanceMetric", config.distance_metric, self.distance_metric)?;
        let names_index = config.index.is_some_and(|index| index != Index::Auto)
            || config.hnsw_config.is_some()
            || config.target_recall.is_some();
        agree("index", names_index.then_some(asked.index), self.index)?;
        agree("quantization", config.quantization.and(Some(asked.quantization)), self.quantization)?;
        agree("precision", config.precision, self.precision)?;
        agree("hnswConfig.m", hnsw.m, self.m)?;
        Ok(Self {
            ef_construction: hnsw.ef_construction.unwrap_or(self.ef_construction),
            ef_search: hnsw.ef_search.unwrap_or(self.ef_search),
            target_recall: config.target_recall.unwrap_or(self.target_recall),
            ..self
        })
    }

    /// Checks every range; also run on options read from a file.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within("dimensions", self.dimensions, 1, MAX_DIMENSIONS)?;
        within("hnswConfig.m", self.m, 2, MAX_M)?;
        within("hnswConfig.efConstruction", self.ef_construction, 1, MAX_EF)?;
        within("hnswConfig.efSearch", self.ef_search, 1, MAX_EF)?;
        check_target_recall("targetRecall", self.target_recall)?;
        if self.index == Index::Auto {
            return Err(invalid("index", "'auto' stands for one of the others"));
        }
        match (self.quantization, self.index) {
            (Quantization::None, _) => Ok(()),
            (_, _) if self.distance_metric == Metric::Manhattan => {
                Err(invalid("quantization", "codes have no Manhattan distance; use 'none'"))
            }
            (Quantization::Scalar, Index::Scan) => Err(invalid(
                "quantization",
                "'scalar' is for the index 'hnsw'; a scan takes 'rabitq', 'product' or 'none'",
            )),
            (Quantization::Product { k, .. }, index) if k != Some(product_centres(index)) => {
                let reason = format!("must be {}, not {}", product_centres(index), k.unwrap_or_default());
                Err(invalid("quantization.k", &reason))
            }
            (Quantization::Product { subspaces, .. }, index) => {
                let step = if index == Index::Hnsw { 1 } else { SUBSPACE_STEP };
                let most = self.dimensions.next_multiple_of(step);
                let count = subspaces.unwrap_or_default();
                if count.is_multiple_of(step) && (1..=most).contains(&count) {
                    return Ok(());
                }
                let reason = format!("must be a multiple of {step} from {step} to {most}, not {count}");
                Err(invalid("quantization.subspaces", &reason))
            }
            (Quantization::Rabitq { bits: Some(1 | 2 | 4) }, _) | (Quantization::Scalar, _) => Ok(()),
            (Quantization::Rabitq { bits }, _) => Err(invalid(
                "quantization.bits",
                &format!("must be 1, 2 or 4, not {}", bits.unwrap_or_default()),
            )),
        }
    }
}

/// Centres per subspace of a product quantizer.
fn product_centres(index: Index) -> usize {
    if index == Index::Hnsw { GRAPH_CENTRES } else { TABLE_ENTRIES }
}

/// Some 200 to 400 bits per row tell rows apart well enough that few have to be scored exactly.
fn default_bits(dimensions: usize) -> u8 {
    match dimensions {
        256.. => 1,
        64.. => 2,
        _ => 4,
    }
}

/// Checks a recall to aim for, of the options or of one search.
pub(crate) fn check_target_recall(option: &str, value: f32) -> Result<(), Error> {
    if (0.5..=1.0).contains(&value) {
        return Ok(());
    }
    Err(invalid(option, &format!("{value} is outside its range, 0.5 to 1")))
}

fn invalid(option: &str, reason: &str) -> Error {
    Error::InvalidOption { option: option.to_owned(), reason: reason.to_owned() }
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

pub(crate) fn agree<T: PartialEq + Serialize + Copy>(
    option: &str,
    asked: Option<T>,
    found: T,
) -> Result<(), Error> {
    match asked {
        Some(asked) if asked != found => {
            let text = |value: T| serde_json::to_string(&value).unwrap_or_default();
            Err(Error::Mismatch { option: option.to_owned(), expected: text(asked), received: text(found) })
        }
        _ => Ok(()),
    }
}

/// Refuses a file with vectors of another kind than asked for.
pub(crate) fn agree_on_embedding(asked: Option<&String>, found: Option<&String>) -> Result<(), Error> {
    match asked {
        Some(_) if asked != found => Err(Error::Mismatch {
            option: "embedding".to_owned(),
            expected: asked.cloned().unwrap_or_default(),
            received: found.cloned().unwrap_or_default(),
        }),
        _ => Ok(()),
    }
}

/// Checks what says which vectors may be compared.
pub(crate) fn check_embedding(embedding: Option<&String>) -> Result<(), Error> {
    embedding.map_or(Ok(()), |text| within("the length of embedding", text.len(), 1, LONGEST_EMBEDDING))
}

/// Checks the fields whose words can be searched.
pub(crate) fn check_text_fields(fields: &[String]) -> Result<(), Error> {
    within("text.fields.length", fields.len(), 0, MAX_TEXT_FIELDS)?;
    for (at, field) in fields.iter().enumerate() {
        within("the length of text.fields", field.len(), 1, LONGEST_FIELD)?;
        if fields[..at].contains(field) {
            return Err(invalid("text.fields", "has a path twice"));
        }
    }
    Ok(())
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
            (r#"{"dimensions":3,"index":"ivf"}"#, "ivf"),
            (r#"{"dimensions":3,"quantization":{"type":"rabitq","bytes":1}}"#, "bytes"),
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
            r#"{"dimensions":3,"distanceMetric":"manhattan","quantization":{"type":"scalar"}}"#,
            r#"{"dimensions":3,"distanceMetric":"manhattan","quantization":{"type":"rabitq"}}"#,
            r#"{"dimensions":3,"quantization":{"type":"rabitq","bits":3}}"#,
            r#"{"dimensions":8,"index":"scan","quantization":{"type":"product","k":256}}"#,
            r#"{"dimensions":8,"index":"hnsw","quantization":{"type":"product","k":16}}"#,
            r#"{"dimensions":8,"index":"hnsw","quantization":{"type":"product","subspaces":9}}"#,
            r#"{"dimensions":8,"index":"hnsw","quantization":{"type":"rabitq","bits":3}}"#,
            r#"{"dimensions":8,"quantization":{"type":"product","subspaces":6}}"#,
            r#"{"dimensions":8,"quantization":{"type":"product","subspaces":12}}"#,
            r#"{"dimensions":3,"targetRecall":0.2}"#,
            r#"{"dimensions":3,"targetRecall":1.5}"#,
            r#"{"dimensions":3,"index":"scan","quantization":{"type":"scalar"}}"#,
            r#"{"dimensions":3,"index":"scan","hnswConfig":{}}"#,
            r#"{"dimensions":3,"index":"hnsw","targetRecall":0.9}"#,
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
        for other in [
            r#"{"dimensions":4}"#,
            r#"{"dimensions":3,"index":"scan"}"#,
            r#"{"dimensions":3,"targetRecall":0.9}"#,
        ] {
            assert_eq!(
                file.adopt(&Config::from_json(other).unwrap()).unwrap_err().code(),
                "Mismatch",
                "{other}"
            );
        }
        assert_eq!(file.adopt(&Config::from_json(r#"{"dimensions":3}"#).unwrap()).unwrap(), file);
    }

    #[test]
    fn what_is_stated_chooses_the_index() {
        for (json, index, quantization) in [
            (r#"{"dimensions":300}"#, Index::Scan, Quantization::Rabitq { bits: Some(1) }),
            (r#"{"dimensions":128,"index":"auto"}"#, Index::Scan, Quantization::Rabitq { bits: Some(2) }),
            (r#"{"dimensions":3,"index":"scan"}"#, Index::Scan, Quantization::Rabitq { bits: Some(4) }),
            (r#"{"dimensions":3,"quantization":{"type":"none"}}"#, Index::Scan, Quantization::None),
            (
                r#"{"dimensions":30,"hnswConfig":{},"quantization":{"type":"rabitq","bits":2}}"#,
                Index::Hnsw,
                Quantization::Rabitq { bits: Some(2) },
            ),
            (
                r#"{"dimensions":768,"quantization":{"type":"product","subspaces":8,"k":256}}"#,
                Index::Hnsw,
                Quantization::Product { subspaces: Some(8), k: Some(256) },
            ),
            (
                r#"{"dimensions":768,"index":"hnsw","quantization":{"type":"product"}}"#,
                Index::Hnsw,
                Quantization::Product { subspaces: Some(192), k: Some(256) },
            ),
            (r#"{"dimensions":30,"hnswConfig":{}}"#, Index::Hnsw, Quantization::Scalar),
            (r#"{"dimensions":3,"quantization":{"type":"scalar"}}"#, Index::Hnsw, Quantization::Scalar),
            (r#"{"dimensions":3,"index":"hnsw"}"#, Index::Hnsw, Quantization::None),
            (r#"{"dimensions":30,"distanceMetric":"manhattan"}"#, Index::Hnsw, Quantization::None),
            (
                r#"{"dimensions":30,"distanceMetric":"manhattan","index":"scan"}"#,
                Index::Scan,
                Quantization::None,
            ),
        ] {
            let options = Options::resolve(&Config::from_json(json).unwrap()).unwrap();
            assert_eq!((options.index, options.quantization), (index, quantization), "{json}");
        }
    }
}
