import {expect} from 'chai'
import {useFakeTimers} from 'sinon'
import stringWidth from 'string-width'

import {createMask} from '../../src/base/mask.ts'
import {Pace} from '../../src/report/pace.ts'
import {progressLine, progressOfSeveral, type ProgressState} from '../../src/report/progress-line.ts'
import type {RunDescription} from '../../src/run/finished-run.ts'
import {TerminalReporter} from '../../src/report/terminal-reporter.ts'

const DAY = 86_400_000
const localTime = (instant: number): string => new Date(instant).toString().slice(16, 24)

describe('the line of progress', () => {
  const now = new Date('2026-01-05T12:00:00').getTime()
  const state: ProgressState = {
    job: 'inbox',
    extracted: 1200,
    listed: 5310,
    units: 24_055,
    expected: undefined,
    waitingUntil: undefined,
    heldBy: undefined,
    time: undefined,
    get pace() {
      return new Pace(now - 300_000)
    },
  }

  it('says how much of what was listed is fetched, how fast, and what that cost', () => {
    expect(progressLine(state, now)).to.equal('inbox: 1,200 extracted of 5,310 listed, 4.0/s, 24,055 units used')
  })

  it('says which share is done and how long the rest will take, where the source has counted', () => {
    const counted = {...state, expected: 6000}
    expect(progressLine(counted, now)).to.equal('inbox: 20 %, 1,200 of 6,000, 4.0/s, 20 min left, 24,055 units used')
    expect(progressLine({...counted, extracted: 5980, expected: 6000}, now))
      .to.include('99 %')
      .and.include(' s left')
    expect(progressLine({...counted, expected: 200_000}, now)).to.include(', 13 h 49 min left')
  })

  it('says which share of the time is read and how long the rest will take, where the source has not counted', () => {
    const time = {planned: 100 * DAY, read: 25 * DAY, pace: new Pace(now - 300_000, 600_000)}
    const sliced = {...state, listed: 0, units: 0, time}
    expect(progressLine(sliced, now)).to.equal('inbox: 25 %, 1,200 extracted, 4.0/s, 15 min left')
    expect(progressLine(sliced, now, 40)).to.equal('inbox: 25 %, 4.0/s, 15 min left')
    expect(progressLine({...sliced, expected: 6000}, now)).to.include(': 20 %, 1,200 of 6,000,')
    for (const read of [0, 100 * DAY, 101 * DAY])
      expect(progressLine({...sliced, time: {...time, read}}, now)).to.equal('inbox: 1,200 extracted, 4.0/s')
  })

  it('reckons by the last minute, not by how the run began', () => {
    const pace = new Pace(now - 600_000)
    for (let second = 0; second <= 540; second += 1) pace.note(now - 600_000 + second * 1000, 1000)
    for (let second = 1; second <= 60; second += 1) pace.note(now - 60_000 + second * 1000, 1000 + second * 10)
    const line = progressLine({...state, pace, extracted: 1600, expected: 2200}, now)
    expect(line).to.include('10/s').and.include('1 min left')
  })

  it('fits 60 columns with its share, rate, remaining time, and what is waited for until when', () => {
    const full = {
      ...state,
      job: 'dataverse_ingest_contacts_of_all_clinics',
      expected: 200_000,
      waitingUntil: now + 190_000,
    }
    const line = progressLine(full, now, 59)
    expect(stringWidth(line)).to.be.at.most(59)
    expect(line).to.match(/^dataverse\S*…: /)
    for (const part of ['0 %', '4.0/s', 'left', `quota until ${localTime(now + 190_000)}`])
      expect(line).to.include(part)
  })

  it('fits any terminal, with names and programs of any script', () => {
    const wide = {
      ...state,
      job: '診療所の連絡先👩‍👩‍👧を読む',
      heldBy: 'a program with a very long name indeed',
      expected: 6000,
    }
    for (let columns = 1; columns <= 140; columns += 1) {
      expect(stringWidth(progressLine(wide, now, columns)), String(columns)).to.be.at.most(columns)
      expect(stringWidth(progressOfSeveral([wide, state], now, columns)), String(columns)).to.be.at.most(columns)
    }
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
    expect(written[0]?.replace('\r\u001B[K', '')).to.equal('inbox: 0 extracted')
  })

  it('that does not know its width gets the whole line, and none in front of what is printed', () => {
    const {written, reporter} = reporterOn({isTTY: true, columns: 0})
    reporter.progressed(described, {units: 1})
    expect(written.at(-1)).to.match(/1 units used$/)
    reporter.planned(described, [])
    expect(written.at(-1)).to.equal('\r\u001B[K')
  })

  it('shows how far the planned time is read, and no share of one that has no beginning', () => {
    const clock = useFakeTimers({
      now: new Date('2026-01-05T12:00:00Z'),
      toFake: ['Date', 'setInterval', 'clearInterval'],
    })
    try {
      for (const [since, share] of [
        [0, '25 %, 500 extracted'],
        [-Infinity, '500 extracted'],
      ] as const) {
        const {written, reporter} = reporterOn({isTTY: false, columns: 80})
        reporter.planned(described, [{since, until: 4 * DAY}])
        reporter.progressed(described, {extracted: 500, read: {since: 0, until: DAY}})
        clock.tick(60_000)
        expect(written.at(-1)).to.include(` inbox: ${share}, `)
        reporter.refused('inbox', new Error('stopped'))
      }
    } finally {
      clock.restore()
    }
  })

  it('that is none gets a line a minute, and none after the end', () => {
    const clock = useFakeTimers({
      now: new Date('2026-01-05T12:00:00Z'),
      toFake: ['Date', 'setInterval', 'clearInterval'],
    })
    try {
      const {written, reporter} = reporterOn({isTTY: false, columns: 80})
      reporter.progressed(described, {listed: 500, extracted: 120})
      expect(written).to.deep.equal([])
      clock.tick(60_000)
      clock.tick(60_000)
      expect(written).to.deep.equal([
        '2026-01-05T12:01:00.000Z inbox: 120 extracted of 500 listed, 2.0/s\n',
        '2026-01-05T12:02:00.000Z inbox: 120 extracted of 500 listed, 0.0/s\n',
      ])
      reporter.refused('inbox', new Error('stopped'))
      clock.tick(600_000)
      expect(written).to.have.length(2)
    } finally {
      clock.restore()
    }
  })
})
