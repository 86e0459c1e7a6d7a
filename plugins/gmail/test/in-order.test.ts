import {setImmediate as turn} from 'node:timers/promises'

import {expect} from 'chai'
import {array, assert, asyncProperty, integer, nat} from 'fast-check'

import {inOrder} from '../src/in-order.ts'

describe('fetching several messages at once', () => {
  const items = Array.from({length: 30}, (_, index) => index)

  it('keeps the order and the limit, however long each one takes', async () => {
    await assert(
      asyncProperty(array(nat(4)), integer({min: 1, max: 10}), async (durations, concurrency) => {
        let inFlight = 0
        let most = 0
        const work = async (turns: number, index: number): Promise<number> => {
          most = Math.max(most, (inFlight += 1))
          for (let taken = 0; taken < turns; taken += 1) await turn()
          inFlight -= 1
          return index
        }
        const entries = [...durations.entries()]
        const results: number[] = []
        for await (const result of inOrder(entries, concurrency, ([index, turns]) => work(turns, index)))
          results.push(result)
        expect(results).to.deep.equal(entries.map(([index]) => index))
        expect(most).to.be.at.most(concurrency)
        expect(inFlight).to.equal(0)
      }),
      {numRuns: 50},
    )
  })

  it('begins no other after an error, tells those in flight, and throws the first one', async () => {
    const begun: number[] = []
    const told: number[] = []
    const work = async (item: number, signal: AbortSignal): Promise<number> => {
      begun.push(item)
      if (item === 5) throw new Error('the first')
      if (item < 4) return item
      while (!signal.aborted) await turn()
      told.push(item)
      throw new Error('told to give up')
    }
    const taken: number[] = []
    try {
      for await (const item of inOrder(items, 3, work)) taken.push(item)
      expect.fail('there was no error')
    } catch (error) {
      expect((error as Error).message).to.equal('the first')
    }
    expect(taken).to.deep.equal([0, 1, 2, 3])
    expect(begun).to.deep.equal([0, 1, 2, 3, 4, 5])
    expect(told).to.deep.equal([4])
  })

  it('begins no other where no more is wanted, and waits for those in flight', async () => {
    let ended = 0
    const begun: number[] = []
    const work = async (item: number): Promise<number> => {
      begun.push(item)
      await turn()
      ended += 1
      return item
    }
    for await (const item of inOrder(items, 4, work)) if (item === 2) break
    expect(begun).to.deep.equal([0, 1, 2, 3, 4, 5])
    expect(ended).to.equal(begun.length)
  })
})
