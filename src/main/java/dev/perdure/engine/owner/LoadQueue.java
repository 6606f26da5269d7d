package dev.perdure.engine.owner;

import dev.perdure.engine.actor.LoadedState;
import dev.perdure.engine.queue.MemoryQuota;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Ids of instances that are to be read: roles take turns, those of one role stay in the order in which they came. An instance that memory
 * cannot hold now stays an id, which takes some ten bytes. Thread-safe.
 */
final class LoadQueue {

    /** The assumed size of an instance of unknown size; a larger one takes more when it is read. */
    private static final long UNKNOWN = 1024;

    /**
     * An instance that may be read now.
     *
     * @param bytes of its texts, as far as they are known
     * @param takenOver whether an earlier term has left it
     * @param memory taken for it
     */
    record Admitted(String id, long role, long bytes, boolean takenOver, MemoryQuota.Holding memory) {}

    /** A lane, which takes turns: the instances of a role that earlier terms left, or that this term found. */
    private record Lane(long role, boolean takenOver) {}

    private final MemoryQuota memory;
    /** The lanes, the next one first. */
    private final Map<Lane, Ids> ids = new LinkedHashMap<>();
    /** Sizes of the instances that are known to be large. */
    private final Map<String, Long> sizes = new LinkedHashMap<>();

    private int size;

    LoadQueue(MemoryQuota memory) {
        this.memory = memory;
    }

    synchronized void add(String id, long role, long bytes) {
        add(id, role, bytes, false);
    }

    synchronized void add(String id, long role, long bytes, boolean takenOver) {
        ids.computeIfAbsent(new Lane(role, takenOver), lane -> new Ids()).add(id);
        size++;
        if (bytes > UNKNOWN) {
            sizes.put(id, bytes);
        }
    }

    synchronized boolean isEmpty() {
        return size == 0;
    }

    synchronized int size() {
        return size;
    }

    /** Takes out the first instances that memory can hold, up to a number and to so many bytes of texts. */
    synchronized List<Admitted> admit(int most, long mostBytes) {
        List<Admitted> admitted = new ArrayList<>();
        List<Lane> turn = new ArrayList<>(ids.keySet());
        long bytes = 0;
        while (!turn.isEmpty() && admitted.size() < most && bytes < mostBytes) {
            for (Iterator<Lane> lanes = turn.iterator(); lanes.hasNext() && admitted.size() < most; ) {
                Lane lane = lanes.next();
                long role = lane.role();
                Ids waiting = ids.get(lane);
                if (waiting == null) {
                    lanes.remove();
                    continue;
                }
                String first = waiting.first();
                long its = sizes.getOrDefault(first, UNKNOWN);
                MemoryQuota.Holding holding = memory.hold(role);
                long wanted = Math.min(LoadedState.footprint(its), memory.most());
                if (bytes > 0 && bytes + its > mostBytes || memory.isClaimed(role) || !holding.takeInTurn(wanted)) {
                    lanes.remove();
                    continue;
                }
                bytes += its;
                waiting.removeFirst();
                size--;
                sizes.remove(first);
                ids.remove(lane);
                if (!waiting.isEmpty()) {
                    ids.put(lane, waiting);
                }
                admitted.add(new Admitted(first, role, its, lane.takenOver(), holding));
            }
        }
        return admitted;
    }

    /** Has room kept for the first instance that only the memory of other roles keeps out. */
    synchronized void keepRoom() {
        for (Map.Entry<Lane, Ids> lane : ids.entrySet()) {
            long role = lane.getKey().role();
            long its = sizes.getOrDefault(lane.getValue().first(), UNKNOWN);
            if (!memory.isClaimed(role) && memory.keep(role, Math.min(LoadedState.footprint(its), memory.most()))) {
                return;
            }
        }
        memory.keepNothing();
    }

    /** A first-in first-out queue of ids, whose eight hexadecimal digits are stored in four bytes. */
    private static final class Ids {

        private int[] numbers = new int[16];
        private int first;
        private int count;

        void add(String id) {
            if (count == numbers.length) {
                int[] larger = new int[2 * count];
                System.arraycopy(numbers, first, larger, 0, count - first);
                System.arraycopy(numbers, 0, larger, count - first, first);
                numbers = larger;
                first = 0;
            }
            numbers[(first + count) % numbers.length] = Integer.parseUnsignedInt(id, 16);
            count++;
        }

        String first() {
            return HexFormat.of().toHexDigits(numbers[first]);
        }

        void removeFirst() {
            first = (first + 1) % numbers.length;
            count--;
        }

        boolean isEmpty() {
            return count == 0;
        }
    }
}
