//! Finding rows by their words: an inverted index over chosen fields of the metadata, and BM25.
//!
//! `split` cuts texts into words, by the classes that `classes` gives to characters, and `case` makes them
//! lower-case. `index` knows which words stand in which
//! rows, as `postings`; `bm25` scores rows; `sections` is what a file holds; `database` ties them to the rest.
//!
//! Words are compared as they are, lower-cased: there is no stemming, and no word is too common to be asked for.

mod bm25;
mod case;
mod case_table;
mod class_table;
mod classes;
mod database;
mod index;
mod postings;
mod sections;
mod split;
mod terms;

pub(crate) use bm25::{Question, Scores};
pub(crate) use index::Words;
pub(crate) use sections::Sections;
pub(crate) use terms::Terms;
