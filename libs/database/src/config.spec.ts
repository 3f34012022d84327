import { hostName, parseHosts } from './config.js';

describe('parseHosts', () => {
  it('reads a list in the manner of libpq', () => {
    expect(parseHosts('a:5433, b ,[::1]:6000')).toEqual([
      { host: 'a', port: 5433 },
      { host: 'b', port: 5432 },
      { host: '::1', port: 6000 },
    ]);
  });

  it.each([
    ['', 'empty entry'],
    ['a:5432,', 'empty entry'],
    ['a:port', '"port" in "a:port" is not a port'],
    ['a:', '"" in "a:" is not a port'],
    ['a:70000', 'is not a port (1–65535)'],
    ['a:0', 'is not a port'],
    ['a:1e3', 'is not a port'],
    ['::1:5432', 'is not host:port'],
    ['postgres://a/b', 'is not'],
    ['a:5432,a', 'names a:5432 twice'],
  ])('names what is wrong with "%s"', (list, problem) => {
    expect(() => parseHosts(list)).toThrow(TypeError);
    expect(() => parseHosts(list)).toThrow(problem);
  });

  it('writes a host as it is read', () => {
    expect(parseHosts('[::1]:6000,a').map(hostName)).toEqual(['[::1]:6000', 'a:5432']);
  });
});
