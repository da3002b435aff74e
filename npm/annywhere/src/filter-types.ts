/** The type of a filter, derived from that of the metadata: paths that exist, with values and operators that fit them. */

/** A value that a field can be compared with. A `Date` stands for its ISO string, as in metadata. */
type Scalar = string | number | boolean | null | Date;

/** How deep typed paths go; deeper ones are for metadata without a type. */
type Shallower = [never, 0, 1, 2, 3];

/** What a path leads through or to: arrays stand for their elements. */
type Inside<T> = T extends readonly (infer Element)[] ? Inside<Element> : T;

/** The dotted paths of an object. */
type Paths<T, Depth extends number = 4> = [Depth] extends [never]
  ? never
  : T extends Scalar | undefined
    ? never
    : { [K in keyof T & string]: K | `${K}.${Paths<Inside<T[K]>, Shallower[Depth]>}` }[keyof T & string];

/** What a path leads to. */
type At<T, Path extends string> = T extends Scalar | undefined
  ? never
  : Path extends keyof T
    ? Inside<T[Path]>
    : Path extends `${infer Key}.${infer Rest}`
      ? Key extends keyof T
        ? At<Inside<T[Key]>, Rest>
        : never
      : never;

/** What the field is compared with. Of unknown fields nothing is known; a date may be given in either form. */
type Value<T> = unknown extends T
  ? Scalar
  : Extract<T, Date> extends never
    ? Extract<T, Scalar> | null
    : Extract<T, Scalar> | string | null;

type Ordered<V> = Extract<V, string | number | Date>;

/**
 * Conditions on a field, which all have to hold. An array meets one if an element does; `$any` with operators asks for one
 * element that meets all of them.
 */
export interface Operators<V> {
  $eq?: V;
  /** Also true where the field is missing, like `$nin` and `$not`. */
  $ne?: V;
  $gt?: Ordered<V>;
  $gte?: Ordered<V>;
  $lt?: Ordered<V>;
  $lte?: Ordered<V>;
  $in?: readonly V[];
  $nin?: readonly V[];
  /** Whether the field is there, with whatever value, also `null`. */
  $exists?: boolean;
  $startsWith?: string;
  /** Part of a string. */
  $contains?: string;
  /** One of these values, or one element that meets all of these operators. */
  $any?: readonly V[] | Operators<V>;
  /** Every one of these values. */
  $all?: readonly V[];
  $not?: Operators<V>;
}

interface Logic<F> {
  $and?: readonly F[];
  $or?: readonly F[];
  $not?: F;
}

/** For metadata whose fields are not known. */
interface LooseFilter {
  [path: string]: Scalar | Operators<Scalar> | LooseFilter | readonly LooseFilter[] | undefined;
}

/** Which rows are meant: conditions on fields, named by dotted paths, which all have to hold. `{}` means every row. */
export type Filter<Meta extends object = Record<string, unknown>> = string extends keyof Meta
  ? LooseFilter
  : { [Path in Paths<Meta>]?: Value<At<Meta, Path>> | Operators<Value<At<Meta, Path>>> } & Logic<
      Filter<Meta>
    >;
