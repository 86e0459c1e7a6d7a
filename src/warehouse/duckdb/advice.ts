const ADVICE: readonly (readonly [cause: RegExp, advice: (path: string) => string])[] = [
  [/No space left|File too large|quota exceeded/i, (path) => `Make room on the disk of ${path} and run again.`],
  [/version number|newer version/i, () => 'A newer DuckDB wrote this file: update lorchestra.'],
  [
    /replaying WAL/,
    (path) =>
      `${path}.wal does not fit this file: put back the file that it belongs to, or remove the .wal and what only it holds.`,
  ],
  [/corrupt|checksum|Could not read enough bytes/i, (path) => `The file is damaged: restore ${path} from a backup.`],
]

/** Says in one sentence, or not at all, what to do after an error of DuckDB about the file at `path`. */
export const adviceFor = (path: string, message: string): readonly string[] =>
  ADVICE.filter(([cause]) => cause.test(message))
    .slice(0, 1)
    .map(([, advice]) => advice(path))
