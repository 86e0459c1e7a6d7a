import {mkdirSync, readFileSync, readdirSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'

import {expect} from 'chai'

import {createMask} from '../../src/base/mask.ts'
import {readRunLog} from '../../src/run/read-run-log.ts'
import {keepRunLog, keptLogs, pruneRunLogs} from '../../src/run/run-log.ts'
import type {Logger} from '../../src/source.ts'
import {folderForEachTest} from '../support/folder.ts'
import {messageOf} from '../support/message-of.ts'

const folder = folderForEachTest()
const DAY = 86_400_000

function keeping(runId = 'notes-20260131120000-0a1b2c3d', at = join(folder(), 'logs')) {
  const told: string[] = []
  const tell = (level: string) => (message: string) => void told.push(`${level} ${message}`)
  const log: Logger = {debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error')}
  const mask = createMask()
  const path = join(at, `${runId}.log`)
  return {told, mask, path, kept: keepRunLog({folder: at, runId, mask, log})}
}

describe('the log of a run', () => {
  it('is a file of its user alone, with all but what is debugging, and tells on what it is told', () => {
    const {told, path, kept} = keeping()
    kept.log.info('committed', {inserted: 2})
    kept.log.debug('GET https://example.com/')
    kept.end('error', ['Error: closed [E_SOURCE_FAILED]', '  → Try again.'])
    expect(readFileSync(path, 'utf8').replaceAll(/^\S+Z /gm, '')).to.equal(
      'info  committed inserted=2\nerror Error: closed [E_SOURCE_FAILED]\nerror   → Try again.\n',
    )
    expect(told).to.deep.equal(['info committed', 'debug GET https://example.com/'])
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).to.equal(0o600)
  })

  it('hides secrets, in its last words too', () => {
    const {mask, path, kept} = keeping()
    mask.add('hunter2-hunter2')
    kept.log.warn('refused hunter2-hunter2', {token: 'hunter2-hunter2'})
    kept.end('error', ['Error: hunter2-hunter2'])
    expect(readFileSync(path, 'utf8')).not.to.include('hunter2')
  })

  it('grows to a megabyte and no further, and still says how the run ended', () => {
    const {path, kept} = keeping()
    for (let line = 0; line < 4000; line += 1) kept.log.info('x'.repeat(1000))
    kept.end('info', ['ended'])
    const text = readFileSync(path, 'utf8')
    expect(text.length).to.be.within(1_000_000, 1_010_000)
    expect(text).to.match(/ warn {2}the log is full.*\n\S+ info {2}ended\n$/)
  })

  it('is not kept where the folder cannot be made, and ends no run', () => {
    writeFileSync(join(folder(), 'file'), '')
    const {told, kept} = keeping(undefined, join(folder(), 'file', 'logs'))
    kept.log.info('committed')
    kept.end('info', ['ended'])
    expect(told[0]).to.match(/^debug no log of run notes-20260131120000-0a1b2c3d is kept: /)
    expect(told[1]).to.equal('info committed')
  })

  it('goes after 14 days, that of every lorchestra.yaml', () => {
    const now = Date.parse('2026-02-15T00:00:00Z')
    const logs = join(folder(), 'logs')
    for (const project of ['one', 'other']) {
      mkdirSync(join(logs, project), {recursive: true})
      for (const name of ['a-20260131000000-00000000.log', 'a-20260201000001-00000000.log', 'mine.txt'])
        writeFileSync(join(logs, project, name), '')
    }
    pruneRunLogs(folder(), now, {debug: () => expect.fail()})
    for (const project of ['one', 'other'])
      expect(readdirSync(join(logs, project)).toSorted()).to.deep.equal(['a-20260201000001-00000000.log', 'mine.txt'])
    pruneRunLogs(folder(), now + 14 * DAY, {debug: () => expect.fail()})
    expect(keptLogs(join(logs, 'one'))).to.deep.equal([])
  })

  it('is found as the latest, by its job, by its beginning and by its end; what is of several is named', async () => {
    for (const id of [
      'notes-20260131120000-0a1b2c3d',
      'notes-20260201120000-ffffffff',
      'notes_b-20260202120000-aaaaaaaa',
    ])
      keeping(id).kept.end('info', [id])
    const found = async (name: string): Promise<string> => (await readRunLog(join(folder(), 'logs'), name)).runId
    expect(await found('latest')).to.equal('notes_b-20260202120000-aaaaaaaa')
    expect(await found('notes')).to.equal('notes-20260201120000-ffffffff')
    expect(await found('0a1b2c3d')).to.equal('notes-20260131120000-0a1b2c3d')
    expect(await found('notes-20260131')).to.equal('notes-20260131120000-0a1b2c3d')
    expect(await messageOf(found('note'))).to.include('is the beginning or end of several runs: notes_b-2026')
    expect(await messageOf(found('nobody'))).to.equal('no log of a run "nobody" is kept here')
  })
})
