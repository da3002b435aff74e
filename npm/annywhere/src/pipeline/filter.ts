/** Filters as the database takes them, put together. */

/** A filter of the database: see `SearchQuery`. */
export type Filter = Readonly<Record<string, unknown>>;

/** A filter that says what all of the given ones say; `undefined` if none says anything. */
export function allOf(...filters: (Filter | undefined)[]): Filter | undefined {
  const given = filters.filter(
    (filter) => filter !== undefined && Object.keys(filter).length > 0,
  ) as Filter[];
  if (given.length < 2) return given[0];
  return { $and: given };
}
