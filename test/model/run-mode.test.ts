import {expect} from 'chai'

import {outcomeOf} from '../../src/base/errors.ts'
import {
  MODE_FLAGS,
  modeOfFlags,
  rowOf,
  RUN_MODES,
  tablesOfMode,
  writesProduction,
  type RunMode,
} from '../../src/model/run-mode.ts'

const PRODUCTION = {eventLog: 'event_log', rawObjects: 'raw_objects'}
const NEW = 'shadow' as RunMode

function outcomeOfThrown(work: () => unknown): string | undefined {
  try {
    work()
  } catch (error) {
    return outcomeOf(error)
  }
  return undefined
}

describe('the table of run modes', () => {
  it('has one mode without a flag, and it alone writes production', () => {
    const plain = Object.entries(RUN_MODES).filter(([, {flag}]) => flag === undefined)
    expect(plain.map(([mode]) => mode)).to.deep.equal(['production'])
    expect(Object.keys(RUN_MODES).filter(writesProduction)).to.deep.equal(['production'])
  })

  it('gives the mode of each flag, and production for none', () => {
    for (const {name} of MODE_FLAGS) expect(rowOf(modeOfFlags({[name]: true})).flag?.name).to.equal(name)
    expect(modeOfFlags({})).to.equal('production')
    expect(modeOfFlags({'dry-run': false, 'test-table': undefined})).to.equal('production')
  })

  it('refuses two flags of modes together', () => {
    expect(outcomeOfThrown(() => modeOfFlags({'dry-run': true, 'test-table': true}))).to.equal('mode')
  })

  it('throws for a mode that it does not hold, whatever is asked of it', () => {
    expect(outcomeOfThrown(() => rowOf(NEW))).to.equal('mode')
    expect(outcomeOfThrown(() => tablesOfMode(NEW, PRODUCTION))).to.equal('mode')
    expect(writesProduction(NEW)).to.equal(false)
    expect(outcomeOfThrown(() => rowOf('toString' as RunMode))).to.equal('mode')
  })

  it('names no production table in what a mode with a flag writes', () => {
    for (const mode of Object.keys(RUN_MODES).filter((name) => !writesProduction(name)) as RunMode[]) {
      const {eventLog, rawObjects} = tablesOfMode(mode, PRODUCTION).written ?? {}
      expect([eventLog, rawObjects]).not.to.include.oneOf(Object.values(PRODUCTION))
    }
  })
})
