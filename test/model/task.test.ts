import {expect} from 'chai'
import fc from 'fast-check'

import {outcomeOf} from '../../src/base/errors.ts'
import {readTask, shareOf, type SharedJob} from '../../src/model/task.ts'

const jobs = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[a-c]{1,3}$/),
    sourceSystem: fc.stringMatching(/^[a-c]$/),
    account: fc.option(fc.stringMatching(/^[a-c]{1,2}$/), {nil: undefined}),
  }),
  {selector: ({name}) => name, maxLength: 30},
)
const withAccounts = jobs.map((all) =>
  all.map(({account, ...job}) => ({...job, ...(account !== undefined && {account})})),
)
const counts = fc.integer({min: 1, max: 40})
const sharesOf = (all: readonly SharedJob[], count: number) =>
  Array.from({length: count}, (_, index) => shareOf({index, count}, all))

describe('the shares of all tasks', () => {
  it('are all jobs, and none of them twice', () => {
    fc.assert(
      fc.property(withAccounts, counts, (all, count) => {
        const names = sharesOf(all, count).flatMap((share) => share.map(({name}) => name))
        expect(names.toSorted()).to.deep.equal(all.map(({name}) => name).toSorted())
      }),
    )
  })

  it('leave the jobs of one account together, and without one those of a source system', () => {
    fc.assert(
      fc.property(withAccounts, counts, (all, count) => {
        const shares = sharesOf(all, count)
        for (const {account, sourceSystem} of all) {
          const belongs = (job: SharedJob) =>
            job.account === account && (account !== undefined || job.sourceSystem === sourceSystem)
          expect(shares.filter((share) => share.some(belongs))).to.have.length(1)
        }
      }),
    )
  })

  it('are the same in whatever order the jobs are named', () => {
    const shuffled = withAccounts.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, {minLength: all.length})),
    )
    fc.assert(
      fc.property(shuffled, counts, ([all, another], count) => {
        const sorted = (one: typeof all) => sharesOf(one, count).map((share) => share.map(({name}) => name).toSorted())
        expect(sorted(another)).to.deep.equal(sorted(all))
      }),
    )
  })

  it('differ by one account at most', () => {
    fc.assert(
      fc.property(withAccounts, counts, (all, count) => {
        const accounts = sharesOf(all, count).map(
          (share) => new Set(share.map(({account, sourceSystem}) => account ?? `system ${sourceSystem}`)).size,
        )
        expect(Math.max(...accounts) - Math.min(...accounts)).to.be.at.most(1)
      }),
    )
  })

  it('are by the names of accounts: group k is task k mod n', () => {
    const all = ['d', 'a', 'c', 'b', 'a'].map((account, index) => ({name: `job${index}`, sourceSystem: 'x', account}))
    expect(sharesOf(all, 3).map((share) => share.map(({account}) => account))).to.deep.equal([
      ['d', 'a', 'a'],
      ['b'],
      ['c'],
    ])
  })
})

describe('--task', () => {
  const refusal = (flag: string, environment: NodeJS.ProcessEnv = {}): string => {
    try {
      return JSON.stringify(readTask(flag, environment))
    } catch (error) {
      expect(outcomeOf(error)).to.equal('usage')
      return (error as Error).message
    }
  }

  it('takes the number of a task, counted from 0, and how many there are', () => {
    expect(readTask('0/1', {})).to.deep.equal({index: 0, count: 1})
    expect(readTask('63/64', {})).to.deep.equal({index: 63, count: 64})
    for (const wrong of ['64/64', '0/0', '1', '-1/4', '1/', 'a/b', '1.5/4', '1/4/4', ''])
      expect(refusal(wrong)).to.contain('is no task of several')
  })

  it('auto takes them from what each engine sets, LORCHESTRA_TASK first', () => {
    for (const [index, count] of [
      ['CLOUD_RUN_TASK_INDEX', 'CLOUD_RUN_TASK_COUNT'],
      ['AWS_BATCH_JOB_ARRAY_INDEX', 'AWS_BATCH_JOB_ARRAY_SIZE'],
      ['BATCH_TASK_INDEX', 'BATCH_TASK_COUNT'],
      ['SLURM_ARRAY_TASK_ID', 'SLURM_ARRAY_TASK_COUNT'],
      ['JOB_COMPLETION_INDEX', 'LORCHESTRA_TASKS'],
    ] as const) {
      expect(readTask('auto', {[index]: '3', [count]: '8'})).to.deep.equal({index: 3, count: 8})
      expect(readTask('auto', {[index]: '3', [count]: '8', LORCHESTRA_TASK: '1/2'})).to.deep.equal({index: 1, count: 2})
      expect(refusal('auto', {[index]: '3'})).to.equal(
        `${index} is set, but ${count} is not, so nothing says how many tasks there are`,
      )
      expect(refusal('auto', {[index]: '8', [count]: '8'})).to.contain('is no task of several')
    }
  })

  it('auto is refused where nothing says which task this is, or an array does not begin with 0', () => {
    expect(refusal('auto', {LORCHESTRA_TASK: '', PATH: '/bin'})).to.contain('finds nothing in the environment')
    const slurm = {SLURM_ARRAY_TASK_ID: '1', SLURM_ARRAY_TASK_COUNT: '4', SLURM_ARRAY_TASK_MIN: '1'}
    expect(refusal('auto', slurm)).to.equal('the tasks of this array are counted from 1')
  })
})
