import type {Warehouse, WarehouseWriter} from '../../src/warehouse/warehouse.ts'

/** Puts `commit` around the commits of a warehouse; it gets their number. */
export const committing =
  (
    commit: (
      number: number,
      work: () => ReturnType<WarehouseWriter['commit']>,
    ) => ReturnType<WarehouseWriter['commit']>,
  ) =>
  (real: Warehouse): Warehouse => {
    const begin = real.begin.bind(real)
    let number = 0
    return Object.assign(real, {
      begin: async (run: Parameters<typeof begin>[0]): Promise<WarehouseWriter> => {
        const writer = await begin(run)
        return {
          since: writer.since,
          states: writer.states,
          close: async () => writer.close(),
          promote: async (promotion) => writer.promote(promotion),
          seed: async (seed) => writer.seed(seed),
          undo: async (undo) => writer.undo(undo),
          removeSurplusRows: async (removal) => writer.removeSurplusRows(removal),
          commit: async (batch, made) => commit((number += 1), async () => writer.commit(batch, made)),
        }
      },
    })
  }
