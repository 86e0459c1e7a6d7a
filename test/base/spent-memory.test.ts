import {setImmediate as turn} from 'node:timers/promises'

import {expect} from 'chai'

import {giveMemoryBack} from '../../src/base/spent-memory.ts'

const MB = 1024 ** 2

describe('memory that is given back', () => {
  it('is all that nothing holds any more, without a word of Node', async () => {
    const heard: string[] = []
    const hear = ({message}: Error): number => heard.push(message)
    process.on('warning', hear)
    let pages: unknown[] = Array.from({length: 500_000}, (_, index) => ({index, list: [index, index]}))
    const held = process.memoryUsage().heapTotal
    pages = pages.slice(0, 1)
    giveMemoryBack()
    expect(pages).to.have.length(1)
    expect(held - process.memoryUsage().heapTotal).to.be.above(20 * MB)
    await turn()
    process.off('warning', hear)
    expect(heard).to.deep.equal([])
  })
})
