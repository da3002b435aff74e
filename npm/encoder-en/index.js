// Where the table is, and how to cut a smaller one from it. The table's bytes are described in
// crates/annywhere-encoder/FORMAT.md of the annywhere repository.

export const tableUrl = new URL('./table.bin', import.meta.url);
export const dimensions = 256;
export const vocabularySize = 27622;

const MAGIC = [0x89, 0x41, 0x4e, 0x4e, 0x45, 0x0d, 0x0a, 0x1a];
const VERSION = 1;
const HEADER_BYTES = 128;
const PANEL_WIDTH = 64;
const FIELD = { version: 8, tokens: 12, dimensions: 16, panelWidth: 20, vocabularyLength: 28 };

export function truncateTable(bytes, dimensions) {
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) {
    throw new TypeError('The bytes are not an encoder table.');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = (name) => view.getUint32(FIELD[name], true);
  if (header('version') !== VERSION || header('panelWidth') !== PANEL_WIDTH) {
    throw new TypeError(`The encoder table has format version ${header('version')}; expected ${VERSION}.`);
  }
  const firstPanel = HEADER_BYTES + header('vocabularyLength') + 4 * header('tokens');
  const panelBytes = PANEL_WIDTH * header('tokens');
  const panels = Math.floor((bytes.length - firstPanel) / panelBytes);
  // A projection may follow the last panel; it is not one.
  const available = Math.max(0, Math.min(PANEL_WIDTH * panels, header('dimensions')));
  if (!(dimensions > 0 && dimensions <= available && dimensions % PANEL_WIDTH === 0)) {
    throw new RangeError(
      `The encoder table has ${available} dimensions; asked for ${dimensions}. ` +
        `Choose a multiple of ${PANEL_WIDTH} up to ${available}.`,
    );
  }
  return bytes.subarray(0, firstPanel + (dimensions / PANEL_WIDTH) * panelBytes);
}
