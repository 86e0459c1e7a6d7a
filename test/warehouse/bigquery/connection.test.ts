import {once} from 'node:events'
import {mkdtemp, rm, truncate, writeFile} from 'node:fs/promises'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {expect} from 'chai'

import {messageWithCauses, outcomeOf, type LorchestraError} from '../../../src/base/errors.ts'
import {Connection} from '../../../src/warehouse/bigquery/connection.ts'
import {clientsFor} from '../../../src/warehouse/bigquery/dataset.ts'
import {BigQueryWarehouse} from '../../../src/warehouse/bigquery/warehouse.ts'
import {freePort} from '../../support/bigquery/emulator.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'

describe('a connection to BigQuery', () => {
  let server: Server
  let answer: {readonly status: number; readonly body: string} | undefined
  beforeEach(async () => {
    answer = undefined
    server = createServer((_request, response) => {
      if (answer === undefined) return
      response.writeHead(answer.status, {'content-type': 'application/json'}).end(answer.body)
    })
    await new Promise<void>((listening) => {
      server.listen(0, '127.0.0.1', listening)
    })
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  })

  const describeThrough = async ({
    signal = new AbortController().signal,
    idleTimeout = 60_000,
  }: {signal?: AbortSignal; idleTimeout?: number} = {}): Promise<unknown> => {
    const apiEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const options = {project: 'test-project', dataset: 'events', apiEndpoint, idleTimeout}
    return new BigQueryWarehouse(options, signal).describe(PRODUCTION).catch((error: unknown) => error)
  }

  it('waits no longer for an answer than it is told to, nor once it is told to stop', async () => {
    const stop = new AbortController()
    const asked = once(server, 'request')
    const described = describeThrough({signal: stop.signal})
    await asked
    stop.abort(new Error('stopped by a signal'))
    expect(messageWithCauses(await described)).to.equal('stopped by a signal')
    expect(messageWithCauses(await describeThrough({idleTimeout: 300}))).to.include('no answer in time')
  })

  it('goes past a proxy that is meant for other services', async () => {
    answer = {status: 403, body: JSON.stringify({error: {errors: [{reason: 'accessDenied', message: 'no'}]}})}
    const before = process.env['HTTPS_PROXY']
    process.env['HTTPS_PROXY'] = 'http://127.0.0.1:9'
    try {
      expect(messageWithCauses(await describeThrough())).to.include('403 accessDenied')
    } finally {
      if (before === undefined) delete process.env['HTTPS_PROXY']
      else process.env['HTTPS_PROXY'] = before
    }
  })

  it('that cannot be made says where to look', async () => {
    const port = await freePort()
    const options = {
      project: 'test-project',
      dataset: 'events',
      apiEndpoint: `http://127.0.0.1:${port}`,
      idleTimeout: 6000,
    }
    const {signal} = new AbortController()
    const error = await new BigQueryWarehouse(options, signal)
      .describe(PRODUCTION)
      .catch((thrown: unknown) => thrown as LorchestraError)
    expect([(error as Error).message, (error as LorchestraError).next].join(' ')).to.match(
      /the connection failed, ECONNREFUSED.*warehouse\.api_endpoint/,
    )
  })

  it('that is answered before the upload is sent has that answer, and what breaks afterwards is no news', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lorchestra-upload-'))
    const file = join(folder, 'records.ndjson')
    await writeFile(file, '')
    await truncate(file, 64 * 1024 * 1024)
    server.on('request', (_request, response) => {
      response.writeHead(403, {'content-type': 'application/json'})
      response.end('{"error":{"errors":[{"reason":"accessDenied"}]}}', () => response.socket?.resetAndDestroy())
    })
    try {
      const {port} = server.address() as AddressInfo
      const target = {project: 'p', dataset: 'd', apiEndpoint: `http://127.0.0.1:${port}`}
      const connection = new Connection(target, await clientsFor(target))
      connection.allowWrites({tables: ['t'], prefixes: []})
      const job = {configuration: {load: {destinationTable: {projectId: 'p', datasetId: 'd', tableId: 't'}}}}
      for (let time = 0; time < 20; time += 1) {
        const error = await connection.upload({job, files: [file], what: 'loading'}).catch((thrown: unknown) => thrown)
        expect(messageWithCauses(error)).to.match(/403 accessDenied|the connection failed, E/)
      }
    } finally {
      await rm(folder, {recursive: true})
    }
  })

  for (const [what, status, error, outcome, next] of [
    ['a dataset that is not there', 404, {reason: 'notFound', message: 'Not found: Dataset p:d'}, 'usage', 'bq mk'],
    ['a project that is not there', 404, {reason: 'notFound', message: 'Not found: Project p'}, 'usage', 'GCP_PROJECT'],
    [
      'a project without the API',
      403,
      {reason: 'accessNotConfigured', message: 'BigQuery API has not been used in project 1'},
      'failed',
      'gcloud services enable',
    ],
    [
      'a role that is missing',
      403,
      {reason: 'accessDenied', message: 'Access Denied: Dataset p:d: Permission bigquery.datasets.get denied'},
      'failed',
      'roles/bigquery.dataViewer',
    ],
  ] as const) {
    it(`that is told of ${what} says what to do next`, async () => {
      answer = {status, body: JSON.stringify({error: {code: status, errors: [error]}})}
      const thrown = (await describeThrough()) as LorchestraError
      expect([outcomeOf(thrown), thrown.next?.includes(next)], thrown.message).to.deep.equal([outcome, true])
    })
  }

  it('that is told of a fault in a statement says its first line, without the constants in it', async () => {
    for (const [message, told] of [
      [
        'Syntax error: Expected ")" but got string literal "contact:clinic:secret" at [3:5]\nWHERE secret',
        'Syntax error: Expected "…" but got string literal "…" at [3:5]',
      ],
      ['Unrecognized name: paylaod; Did you mean payload? at [1:8]', 'Unrecognized name: paylaod'],
      ['Could not parse "secret" as JSON at [2:1]', '400 invalidQuery (at [2:1])'],
      ['Syntax error: Unexpected "secret', 'Syntax error: Unexpected "…"'],
    ] as const) {
      answer = {status: 400, body: JSON.stringify({error: {code: 400, errors: [{reason: 'invalidQuery', message}]}})}
      expect(messageWithCauses(await describeThrough()))
        .to.include(told)
        .and.not.include('secret')
    }
  })
})
