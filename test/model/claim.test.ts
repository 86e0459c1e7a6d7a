import {expect} from 'chai'

import {claimIn} from '../../src/model/claim.ts'

describe('the claim of a process', () => {
  it('is what the engine calls its execution and task, the same for each attempt', () => {
    expect(claimIn({LORCHESTRA_KUBERNETES_JOB: 'uid', JOB_COMPLETION_INDEX: '3'})).to.equal('kubernetes/uid/3')
    expect(claimIn({CLOUD_RUN_EXECUTION: 'job-x7', CLOUD_RUN_TASK_INDEX: '0', CLOUD_RUN_TASK_ATTEMPT: '1'})).to.equal(
      'cloud-run/job-x7/0',
    )
    expect(claimIn({AWS_BATCH_JOB_ID: 'ab12:3', AWS_BATCH_JOB_ATTEMPT: '2'})).to.equal('aws-batch/ab12:3/0')
    expect(
      claimIn({CLOUD_RUN_EXECUTION: 'job-x7', CLOUD_RUN_TASK_INDEX: '0', LORCHESTRA_CLAIM: ' temporal/flow/7 '}),
    ).to.equal('temporal/flow/7')
  })

  it('is none where execution or task is not named: an index alone is that of many', () => {
    for (const environment of [
      {},
      {JOB_COMPLETION_INDEX: '3'},
      {LORCHESTRA_KUBERNETES_JOB: 'uid'},
      {LORCHESTRA_CLAIM: ''},
    ])
      expect(claimIn(environment)).to.equal(undefined)
  })
})
