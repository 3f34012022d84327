import { QueryFailedError } from 'typeorm';
import { isSerializationFailure, isTransient, isUnavailable, isUniqueViolation, sqlState } from './classify.js';
import { CommitUnknownError, ConnectionLostError, NoPrimaryError } from './errors.js';

const coded = (code: string, fields: object = {}) => Object.assign(new Error('told by pg'), { code, ...fields });
const byTypeOrm = (error: Error) => new QueryFailedError('SELECT 1', [], error);

describe('what an error of the database means', () => {
  it.each(['57P01', '57P02', '57P03', '08006', '08001', '53300', '25006'])('%s: unavailable', (code) => {
    for (const error of [coded(code), byTypeOrm(coded(code)), new Error('wrapped', { cause: byTypeOrm(coded(code)) })]) {
      expect(isUnavailable(error)).toBe(true);
      expect(isTransient(error)).toBe(true);
    }
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND'])('%s: unavailable', (code) => {
    expect(isUnavailable(byTypeOrm(coded(code)))).toBe(true);
    expect(sqlState(coded(code))).toBeUndefined();
  });

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
    'Query read timeout',
  ])('"%s": unavailable', (message) => expect(isUnavailable(byTypeOrm(new Error(message)))).toBe(true));

  it.each(['40001', '40P01', '55P03', '57014'])('%s: may succeed when tried again, and the database is there', (code) => {
    expect(isTransient(byTypeOrm(coded(code)))).toBe(true);
    expect(isUnavailable(byTypeOrm(coded(code)))).toBe(false);
  });

  it.each(['23505', '42P01', '22P02', '28P01', '3D000'])('%s: will fail again', (code) => expect(isTransient(coded(code))).toBe(false));

  it('knows its own errors', () => {
    expect(isUnavailable(new NoPrimaryError('none'))).toBe(true);
    expect(isUnavailable(new ConnectionLostError(coded('ECONNRESET')))).toBe(true);
  });

  it('never calls an unknown commit safe to try again, whatever caused it', () => {
    const error = new CommitUnknownError(coded('ECONNRESET'));
    for (const unknown of [error, new Error('wrapped', { cause: error })]) {
      expect(isUnavailable(unknown)).toBe(false);
      expect(isTransient(unknown)).toBe(false);
    }
    expect(isSerializationFailure(new CommitUnknownError(coded('40001')))).toBe(false);
  });

  it('tells a unique violation, and by which constraint', () => {
    const error = byTypeOrm(coded('23505', { constraint: 'account_email_key' }));
    expect(isUniqueViolation(error)).toBe(true);
    expect(isUniqueViolation(error, 'account_email_key')).toBe(true);
    expect(isUniqueViolation(error, 'another')).toBe(false);
    expect(isUniqueViolation(coded('23503'))).toBe(false);
  });

  it.each([undefined, null, 'text', 42, new Error('plain'), new TypeError('mistake')])('%s is none of it', (value) => {
    expect(isTransient(value)).toBe(false);
    expect(sqlState(value)).toBeUndefined();
  });

  it('ends on a cause that points at itself', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(isTransient(error)).toBe(false);
  });
});
