import { type Answer, Answers, isPoliteRefusal } from '@ballast/e2e';

/** A request that was not answered as a user would want. */
export interface Failure {
  /** Milliseconds since 1970, when the answer came. */
  at: number;
  /** `POST /cart/checkout 503 OUTCOME_UNKNOWN`, or `PUT /cart/items no answer (ECONNRESET)`. */
  kind: string;
  /** 503, a problem document, and when to come back. */
  polite: boolean;
  /** Nobody else could have been asked: the request may have taken effect, and it is none that may be repeated. */
  unsafe: boolean;
}

/** Keeps each failed request with its time and its kind. */
export class TimedAnswers extends Answers {
  readonly failures: Failure[] = [];

  override async of<T>(what: string, ask: () => Promise<Answer<T>>): Promise<Answer<T> | undefined> {
    const answer = await super.of(what, async () => {
      try {
        return await ask();
      } catch (error) {
        const { cause, message } = error as Error & { cause?: { code?: string } };
        this.failed(`${what} no answer (${cause?.code ?? message})`, false, false);
        throw error;
      }
    });
    // 409: the buyer's last order is still on its way.
    if (answer && answer.status >= 400 && answer.status !== 409) {
      const { code } = answer.body as { code?: string };
      const unsafe = what.startsWith('POST') && code === 'OUTCOME_UNKNOWN';
      this.failed(`${what} ${answer.status} ${code ?? ''}`.trim(), isPoliteRefusal(answer), unsafe);
    }
    return answer;
  }

  private failed(kind: string, polite: boolean, unsafe: boolean): void {
    this.failures.push({ at: Date.now(), kind, polite, unsafe });
  }
}
