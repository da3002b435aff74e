mod class_table;
mod classes;
mod split;
