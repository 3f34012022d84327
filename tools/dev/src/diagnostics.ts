/** One error the compiler found. */
export interface Diagnostic {
  /** From the workspace's root; undefined when it is not about a file. */
  file?: string;
  line?: number;
  column?: number;
  code: string;
  /** Its first line; the compiler's further lines explain it. */
  message: string;
}

const inFile = /^(.+?)\((\d+),(\d+)\): error (TS\d+): (.*)$/;
const elsewhere = /^error (TS\d+): (.*)$/;

/** The errors in what `tsc --pretty false` printed. */
export function parseDiagnostics(output: string): Diagnostic[] {
  return output.split('\n').flatMap((line): Diagnostic[] => {
    const [, file, at, column, code, message] = inFile.exec(line) ?? [];
    if (file) return [{ file, line: Number(at), column: Number(column), code: code!, message: message! }];
    const [, onlyCode, text] = elsewhere.exec(line) ?? [];
    return onlyCode ? [{ code: onlyCode, message: text! }] : [];
  });
}

/** `apps/cart/src/cart.service.ts:12:5 Type 'string' is not … (TS2322)`: terminals and editors open such a place. */
export function shownDiagnostic({ file, line, column, code, message }: Diagnostic): string {
  return `${file ? `${file}:${line}:${column} ` : ''}${message} (${code})`;
}
