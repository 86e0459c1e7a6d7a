import {expect} from 'chai'
import {useFakeTimers} from 'sinon'

import {createMask} from '../../src/base/mask.ts'
import {progressLine, type ProgressState} from '../../src/report/progress-line.ts'
import type {RunDescription} from '../../src/run/finished-run.ts'
import {TerminalReporter} from '../../src/report/terminal-reporter.ts'

const localTime = (instant: number): string => new Date(instant).toString().slice(16, 24)

describe('the line of progress', () => {
  const now = new Date('2026-01-05T12:00:00').getTime()
  const state: ProgressState = {
    job: 'inbox',
    startedAt: now - 300_000,
    extracted: 1200,
    listed: 5310,
    units: 24_055,
    expected: undefined,
    waitingUntil: undefined,
    heldBy: undefined,
  }

  it('says how much of what was listed is fetched, how fast, and what that cost', () => {
    expect(progressLine(state, now)).to.equal('inbox: 1,200 extracted of 5,310 listed, 4.0/s, 24,055 units used')
  })

  it('says when it will be done where the source has counted', () => {
    expect(progressLine({...state, expected: 6000}, now)).to.contain(
      `, done about ${localTime(now + 1_200_000).slice(0, 5)}`,
    )
    expect(progressLine({...state, expected: 200_000}, now)).to.match(/, done about 2026-01-06 01:48$/)
  })

  it('says how long it waits for quota, and no longer than it does', () => {
    const waiting = {...state, waitingUntil: now + 190_000}
    expect(progressLine(waiting, now)).to.contain(`, waiting for quota until ${localTime(now + 190_000)}`)
    expect(progressLine(waiting, now + 190_000)).not.to.contain('waiting')
  })

  it('says nothing of listing or units to who has none', () => {
    expect(progressLine({...state, listed: 0, units: 0}, now)).to.equal('inbox: 1,200 extracted, 4.0/s')
  })
})

describe('a terminal', () => {
  const description = {job: 'inbox', mode: 'production', source: 'gmail', account: null, notes: []} as unknown
  const described = description as RunDescription

  function reporterOn(terminal: {readonly isTTY: boolean; readonly columns: number}) {
    const written: string[] = []
    const reporter = new TerminalReporter({
      print: () => undefined,
      json: true,
      mask: createMask(),
      documents: [],
      terminal: {...terminal, write: (text) => written.push(text)},
    })
    reporter.described(described)
    return {written, reporter}
  }

  it('shows a wait at once, and its end without another word from the run', () => {
    const clock = useFakeTimers({
      now: new Date('2026-01-05T12:00:00'),
      toFake: ['Date', 'setInterval', 'clearInterval'],
    })
    try {
      const {written, reporter} = reporterOn({isTTY: true, columns: 120})
      reporter.progressed(described, {listed: 500})
      reporter.progressed(described, {waitingUntil: new Date(Date.now() + 5000)})
      expect(written.at(-1)).to.contain('waiting for quota until 12:00:05')
      clock.tick(6000)
      expect(written.at(-1)).to.contain('0 extracted of 500 listed').and.not.contain('waiting')
      reporter.refused('inbox', new Error('stopped'))
      const lines = written.length
      clock.tick(6000)
      expect(written).to.have.length(lines)
    } finally {
      clock.restore()
    }
  })

  it('gets no line that is longer than it is wide', () => {
    const {written, reporter} = reporterOn({isTTY: true, columns: 20})
    reporter.progressed(described, {listed: 500})
    reporter.refused('inbox', new Error('stopped'))
    expect(written[0]?.replace('\r\u001B[K', '')).to.have.length(19)
  })

  it('that does not know its width gets the whole line, and none in front of what is printed', () => {
    const {written, reporter} = reporterOn({isTTY: true, columns: 0})
    reporter.progressed(described, {units: 1})
    expect(written.at(-1)).to.match(/1 units used$/)
    reporter.planned(described, [])
    expect(written.at(-1)).to.equal('\r\u001B[K')
  })

  it('that is none gets no progress', () => {
    const {written, reporter} = reporterOn({isTTY: false, columns: 80})
    reporter.progressed(described, {listed: 500, waitingUntil: new Date()})
    expect(written).to.deep.equal([])
  })
})
