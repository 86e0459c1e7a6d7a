import {resolve} from 'node:path'

import {GOCCY_CANNOT} from './emulators/goccy.ts'
import {LOCAL_BIGQUERY_CANNOT} from './emulators/local-bigquery.ts'

/** Says of a suite, by its title, which of its tests cannot pass, by theirs, and why. */
export type Cannot = Readonly<Record<string, Readonly<Record<string, string>>>>

/** A BigQuery emulator that somebody else wrote, as scripts/bigquery-emulator.sh installs it. */
export interface EmulatorKind {
  readonly name: string
  readonly version: string
  /** It is installed there. */
  readonly folder: string
  /** `data` is an empty folder. */
  command(place: {readonly port: number; readonly project: string; readonly data: string}): readonly string[]
  /** It does not last longer than a test. */
  readonly isNewForEachTest?: boolean
  /** Each of these fails; one that passes is to be taken out. */
  readonly cannot: Cannot
}

const cached = (...path: readonly string[]): string => resolve(import.meta.dirname, '../../../.cache', ...path)

export const BQEMULATOR: EmulatorKind = {
  name: 'bqemulator',
  version: '1.4.0',
  folder: cached('bigquery-emulator'),
  command: ({port, project}) => [
    cached('bigquery-emulator/bin/python'),
    resolve(import.meta.dirname, 'emulators/start-bqemulator.py'),
    'start',
    '--ephemeral',
    '--rest-port',
    String(port),
    '--grpc-port',
    '0',
    '--project',
    project,
    '--log-level',
    'error',
  ],
  cannot: {},
}

export const EMULATORS: readonly EmulatorKind[] = [
  BQEMULATOR,
  {
    name: 'local-bigquery',
    version: '0.4.0',
    folder: cached('local-bigquery'),
    command: ({port, project, data}) => [
      cached('local-bigquery/bin/python'),
      resolve(import.meta.dirname, 'emulators/start-local-bigquery.py'),
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--grpc-port',
      '0',
      '--project',
      project,
      '--data-dir',
      data,
    ],
    cannot: LOCAL_BIGQUERY_CANNOT,
  },
  {
    name: 'goccy',
    version: '0.8.1',
    folder: cached('goccy-emulator'),
    command: ({port, project}) => [
      cached('goccy-emulator/bin/bigquery-emulator'),
      `--project=${project}`,
      `--port=${port}`,
      '--grpc-port=0',
      '--log-level=error',
    ],
    isNewForEachTest: true,
    cannot: GOCCY_CANNOT,
  },
]

/** Answers with the emulator that BIGQUERY_EMULATOR names. */
export function chosenEmulator(name = process.env['BIGQUERY_EMULATOR'] ?? BQEMULATOR.name): EmulatorKind {
  const kind = EMULATORS.find((one) => one.name === name)
  if (kind !== undefined) return kind
  throw new Error(`BIGQUERY_EMULATOR is ${name}: there are ${EMULATORS.map((one) => one.name).join(', ')}`)
}
