import type { Fetch } from '@ballast/e2e';

/**
 * A client of several gateways, as an outside address in front of them would be: a gateway that cannot be reached is left for the next.
 * So is one that was lost on the way, but only with a request that may be sent twice.
 *
 * @param resent called with each request that is sent again: whoever asked sees its last answer alone
 */
export function anyOf(
  gateways: readonly string[],
  ask: Fetch = (url, init) => fetch(url, init),
  resent: () => void = () => undefined,
): Fetch {
  return async (url, init) => {
    const { origin } = new URL(url);
    const inTurn = [origin, ...gateways.filter((each) => each !== origin)];
    for (const [n, gateway] of inTurn.entries()) {
      try {
        const response = await ask(gateway + url.slice(origin.length), init);
        // Read here: a connection may be lost between head and body too.
        const body = await response.arrayBuffer();
        return new Response(body.byteLength ? body : null, { status: response.status, headers: response.headers });
      } catch (error) {
        if (n === inTurn.length - 1 || init.signal?.aborted || !(wasNeverSent(error) || mayBeRepeated(init))) throw error;
        resent();
      }
    }
    throw new Error('there is no gateway');
  };
}

const wasNeverSent = (error: unknown): boolean => {
  const { code } = ((error as Error).cause ?? {}) as { code?: string };
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code ?? '');
};

const mayBeRepeated = ({ method, headers }: RequestInit): boolean =>
  ['GET', 'HEAD', 'PUT', 'DELETE'].includes(method ?? 'GET') || new Headers(headers).has('idempotency-key');
