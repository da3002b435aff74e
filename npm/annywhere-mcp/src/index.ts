/** The server as a library, for hosts that bring their own transport. */
export { type Listening, type ListenOptions, listen } from './http.js';
export { createServer, type ServerOptions } from './server.js';
export { openStore, type Store, type StoreOptions } from './store.js';
