import {proxyActivities} from '@temporalio/workflow'

const {runTask} = proxyActivities({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '20 seconds',
  retry: {initialInterval: '200ms', backoffCoefficient: 1, maximumAttempts: 30},
})

/** Each task is an activity, and Temporal starts it again until an attempt ends with 0. */
export async function runTasks(count) {
  await Promise.all(Array.from({length: count}, (_, index) => runTask(index)))
}
