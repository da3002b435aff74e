/** The version of this package; `package.json` and the engines carry the same. */
export const version = '0.1.0';
