// An entry whose calls are written down: what the contract has called, so that nothing public is left out.

/** The same entry, and the names of what has been called: functions, `VectorDb.method`, `Federation.method`. */
export function watched(annywhere) {
  const used = new Set();
  const note = (owner, object) =>
    new Proxy(object, {
      get(target, name) {
        const value = target[name];
        if (typeof value !== 'function' || name === 'constructor') return value;
        return (...args) => {
          used.add(
            name === Symbol.asyncDispose ? `${owner}[Symbol.asyncDispose]` : `${owner}.${String(name)}`,
          );
          return value.apply(target, args);
        };
      },
    });
  const VectorDb = new Proxy(annywhere.VectorDb, {
    construct: (target, args) => note('VectorDb', new target(...args)),
    get(target, name) {
      if (name === 'destroy') used.add('VectorDb.destroy');
      if (name !== 'open') return target[name];
      return async (...args) => {
        used.add('VectorDb.open');
        return note('VectorDb', await target.open(...args));
      };
    },
  });
  const functions = Object.entries(annywhere)
    .filter(([name, value]) => typeof value === 'function' && /^[a-z]/.test(name))
    .map(([name, value]) => [
      name,
      (...args) => {
        used.add(name);
        const result = value(...args);
        return name === 'federate' ? note('Federation', result) : result;
      },
    ]);
  return { annywhere: { ...annywhere, ...Object.fromEntries(functions), VectorDb }, used };
}
