// What a tab asks again of another tab that leads now. The whole of it is tested in tests/browser/tabs.test.mjs.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Unanswered } from '../../npm/annywhere/dist/worker/unanswered.js';

const call = (call, method, ...args) => ({
  kind: 'call',
  call,
  method,
  args: args.map((value) => ({ value })),
});
const callsOf = ({ messages }) => messages.map(({ call }) => call);

describe('what has no answer', () => {
  it('is asked again, in order, but what may have been done and would not be the same twice', () => {
    const unanswered = new Unanswered();
    const methods = [
      'search',
      'storeBatch',
      'delete',
      'update',
      'deleteMany',
      'load',
      'flush',
      'restore',
      'get',
    ];
    for (const [at, method] of methods.entries()) {
      unanswered.note(call(at, method, { ids: ['a'] }), at !== 4);
    }
    assert.equal(unanswered.take({ kind: 'result', call: 8, value: null }), true);
    assert.equal(unanswered.take({ kind: 'result', call: 8, value: null }), false, 'a second answer is none');
    const again = unanswered.again();
    // 4 had not been sent.
    assert.deepEqual(callsOf(again), [0, 1, 3, 4, 6]);
    assert.deepEqual(again.givenUp, [2, 5, 7]);
    assert.deepEqual(unanswered.again().givenUp, [4]);
  });

  it('is asked again whole where the one that led has said that it did nothing else', () => {
    const unanswered = new Unanswered();
    for (const at of [0, 1, 2]) unanswered.note(call(at, 'delete', 'a'), true);
    unanswered.take({ kind: 'error', call: 1, error: {} });
    unanswered.nothingElseWasDone();
    assert.deepEqual(
      [callsOf(unanswered.again()), unanswered.again().givenUp],
      [
        [0, 2],
        [0, 2],
      ],
    );
  });

  it('has ids that a second insert replaces the rows of', () => {
    const unanswered = new Unanswered();
    const sent = unanswered.note(call(0, 'storeBatch', { ids: [undefined, 'own', undefined] }), true);
    const { ids } = sent.args[0].value;
    assert.match(ids.join(), /^[0-9a-f-]{36},own,[0-9a-f-]{36}$/);
    assert.deepEqual(unanswered.again().messages, [sent]);
    const given = call(1, 'storeBatch', { ids: ['own'] });
    assert.equal(unanswered.note(given, true), given);
  });

  it('goes on with a listing after the row that came last, and with standing queries', () => {
    const unanswered = new Unanswered();
    unanswered.note(
      { kind: 'iterate', call: 0, method: 'entries', args: [{ value: { filter: { a: 1 } } }] },
      true,
    );
    unanswered.note({ kind: 'iterate', call: 1, method: 'ids', args: [] }, true);
    unanswered.note({ kind: 'watch', call: 2, args: [] }, true);
    unanswered.note({ kind: 'watch', call: 3, args: [] }, true);
    for (const [next, of, value] of [
      [4, 0, { id: 'row' }],
      [5, 1, 'id'],
    ]) {
      unanswered.note({ kind: 'next', call: next, of }, true);
      unanswered.take({ kind: 'result', call: next, value: { done: false, value } });
    }
    unanswered.note({ kind: 'unwatch', of: 3 }, true);
    unanswered.note({ kind: 'next', call: 6, of: 0 }, true);
    const { messages } = unanswered.again();
    assert.deepEqual(callsOf({ messages }), [0, 1, 2, 6]);
    assert.deepEqual(messages[0].args, [{ value: { filter: { a: 1 }, after: 'row' } }]);
    assert.deepEqual(messages[1].args, [{ value: { after: 'id' } }]);
    unanswered.note({ kind: 'return', of: 0 }, true);
    assert.deepEqual(callsOf(unanswered.again()), [1, 2, 6]);
  });
});
