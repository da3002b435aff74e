// An origin private file system in memory, as strict as the browsers': one handle per file, names that exist or not.

class DomError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

class FakeFile {
  kind = 'file';
  bytes = new Uint8Array(0);
  open = false;

  constructor(folder, name) {
    this.folder = folder;
    this.name = name;
  }

  async createSyncAccessHandle() {
    if (this.open) throw new DomError('NoModificationAllowedError', 'an access handle is open');
    this.open = true;
    return new FakeAccess(this);
  }

  async move(folder, name) {
    if (this.open || folder.entries.get(name)?.open) {
      throw new DomError('NoModificationAllowedError', 'the file is locked');
    }
    this.folder.entries.delete(this.name);
    folder.entries.set(name, this);
    Object.assign(this, { folder, name });
  }
}

class FakeAccess {
  #file;
  #closed = false;

  constructor(file) {
    this.#file = file;
  }

  read(buffer, { at }) {
    this.#check();
    const part = this.#file.bytes.subarray(at, at + buffer.length);
    buffer.set(part);
    return part.length;
  }

  write(buffer, { at }) {
    this.#check();
    const root = this.#file.folder.root;
    if (root.failWrites) throw new DomError(root.failWrites, 'the write failed');
    const room = Math.max(0, Math.min(buffer.length, root.quota - at));
    const bytes = new Uint8Array(Math.max(this.#file.bytes.length, at + room));
    bytes.set(this.#file.bytes);
    bytes.set(buffer.subarray(0, room), at);
    this.#file.bytes = bytes;
    return room < buffer.length ? root.shortCount(room) : room;
  }

  getSize() {
    this.#check();
    return this.#file.bytes.length;
  }

  truncate(size) {
    this.#check();
    const bytes = new Uint8Array(size);
    bytes.set(this.#file.bytes.subarray(0, size));
    this.#file.bytes = bytes;
  }

  flush() {
    this.#check();
    this.#file.folder.root.flushes++;
  }

  close() {
    this.#closed = true;
    this.#file.open = false;
  }

  #check() {
    if (this.#closed) throw new DomError('InvalidStateError', 'the handle is closed');
  }
}

export class FakeFolder {
  kind = 'directory';
  entries = new Map();
  /** Of the root only: largest length of a file, the error of every write, what a short write says, flushes counted. */
  quota = Number.POSITIVE_INFINITY;
  failWrites = undefined;
  shortCount = (room) => room;
  flushes = 0;

  constructor(root) {
    this.root = root ?? this;
  }

  async getDirectoryHandle(name, { create = false } = {}) {
    return this.#get(name, create, FakeFolder, () => new FakeFolder(this.root));
  }

  async getFileHandle(name, { create = false } = {}) {
    return this.#get(name, create, FakeFile, () => new FakeFile(this, name));
  }

  async *keys() {
    yield* [...this.entries.keys()];
  }

  async removeEntry(name) {
    if (this.entries.get(name)?.open) throw new DomError('NoModificationAllowedError', 'the file is open');
    if (!this.entries.delete(name)) throw new DomError('NotFoundError', `${name} does not exist`);
  }

  /** Every file below, as `{ path: length }`. */
  list(prefix = '') {
    const files = {};
    for (const [name, entry] of this.entries) {
      if (entry instanceof FakeFolder) Object.assign(files, entry.list(`${prefix}${name}/`));
      else files[prefix + name] = entry.bytes.length;
    }
    return files;
  }

  #get(name, create, kind, make) {
    const entry = this.entries.get(name);
    if (entry && !(entry instanceof kind))
      throw new DomError('TypeMismatchError', `${name} is of another kind`);
    if (entry) return entry;
    if (!create) throw new DomError('NotFoundError', `${name} does not exist`);
    const made = make();
    this.entries.set(name, made);
    return made;
  }
}
