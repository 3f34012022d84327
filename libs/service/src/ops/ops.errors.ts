import { defineErrors } from '../problem.js';

/** What an operator may be told by any service. */
export const deadLetterErrors = defineErrors('DEAD_LETTER', {
  NOT_FOUND: [404, 'There is no dead letter %s here'],
  SETTLED: [409, 'Dead letter %s has been dealt with in another way'],
  WAITS: [409, 'An earlier letter of the same key is open: that one comes first'],
  IS_COMMAND: [
    409,
    'A command is not replayed: its saga was told that it failed and has gone on. Resume the saga if it is STUCK, which sends it anew, and discard the letter',
  ],
  NOT_SUBSCRIBED: [409, 'This version of the service does not handle messages of this type: deploy one that does, or discard the letter'],
});

export const outboxErrors = defineErrors('OUTBOX', { ROW_NOT_PARKED: [404, 'No parked outbox row has the id %s'] });

export const sagaErrors = defineErrors('SAGA', {
  NOT_FOUND: [404, 'There is no saga %s here'],
  NOT_STUCK: [409, 'Saga %s is not STUCK: it goes on, or has ended, by itself'],
  UNREGISTERED: [409, 'This version of the service does not have the definition %s: ask one that does'],
  NOT_CLOSED: [409, 'Saga %s cannot be abandoned, since its onRejected fails: nobody would hear of its end'],
});
