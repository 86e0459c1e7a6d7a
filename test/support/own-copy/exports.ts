export {createEvent} from '../../../src/model/events.ts'
export {setRunMode} from '../../../src/model/run-mode.ts'
export {openSink} from '../../../src/sink/open-sink.ts'
export {openWarehouse} from '../../../src/warehouse/open-warehouse.ts'
