package dev.perdure.engine.queue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The bytes that the engine may hold for instances: definitions, variables, results, statements, data waiting to be written. Taken before a
 * thing is read or built, given back when it goes. Roles share by {@link Share}; what is little is there for each role. Thread-safe.
 */
public final class MemoryQuota {

    /** The part of everything that a role can always have, however much the others hold. */
    private static final int RESERVE = 32;
    /** The part of everything beside which a role may get one thing beyond its share. */
    private static final int LITTLE = 8;

    private final long total;
    private final Runnable onFree;
    private final Map<Long, Long> taken = new HashMap<>();
    private final Set<Long> claimed = new HashSet<>();
    private boolean isTurnTaken;
    private long kept;
    private long keptFor;
    private long sum;
    private boolean wanted;

    /**
     * An empty memory.
     *
     * @param total bytes
     * @param onFree called after bytes were given back that somebody had asked for in vain
     */
    public MemoryQuota(long total, Runnable onFree) {
        this.total = total;
        this.onFree = onFree;
    }

    /** The most that one role can have, when no other has anything: a larger amount never fits. */
    public long most() {
        return Share.of(total, 0);
    }

    /** Takes bytes for something that is in memory, if the role can have them now. */
    public synchronized boolean take(long role, long bytes) {
        return add(role, bytes, isWithinShare(role, bytes, 0));
    }

    /**
     * Takes bytes for something that comes in. Beside the share of its role it may have all that is free, as long as the role has little
     * else: a large thing would otherwise stay outside for as long as any other role has anything.
     *
     * @param own what the thing has already, of the role's bytes; 0 when it comes in only now
     */
    public synchronized boolean takeInTurn(long role, long bytes, long own) {
        long others = keptFor == role ? 0 : kept;
        // What is in memory has its share, whatever is kept for what comes in: the room may be what it gives back at
        // its end.
        boolean isWithinShare = isWithinShare(role, bytes, own > 0 ? 0 : others);
        return add(role, bytes, isWithinShare || isInTurn(role, bytes, own, others));
    }

    private boolean isWithinShare(long role, long bytes, long others) {
        long has = taken.getOrDefault(role, 0L);
        boolean isReserved = has + bytes <= total / RESERVE && sum + bytes <= total + total / 4;
        return isReserved || has + bytes <= Share.of(total, sum - has + others);
    }

    private boolean isInTurn(long role, long bytes, long own, long others) {
        return mayHaveInTurn(role, bytes, own) && sum + bytes + others <= total;
    }

    private boolean mayHaveInTurn(long role, long bytes, long own) {
        return own + bytes <= most() && taken.getOrDefault(role, 0L) - own <= total / LITTLE;
    }

    private boolean add(long role, long bytes, boolean fits) {
        if (fits) {
            add(role, bytes);
        } else {
            wanted = true;
        }
        return fits;
    }

    /**
     * Keeps room for a thing that waits to come in, in place of what was kept before: nothing of other roles comes in beside their shares
     * of the rest.
     *
     * @return false when it is the role itself that has too much
     */
    public synchronized boolean keep(long role, long bytes) {
        boolean isKept = mayHaveInTurn(role, bytes, 0);
        kept = isKept ? bytes : 0;
        keptFor = role;
        return isKept;
    }

    /** Keeps room for nothing. */
    public synchronized void keepNothing() {
        kept = 0;
    }

    /** One at a time may take bytes beyond the share of its role, for a moment; false when somebody else does. */
    public synchronized boolean takeTurn() {
        boolean isFree = !isTurnTaken;
        isTurnTaken = true;
        return isFree;
    }

    public synchronized void endTurn() {
        isTurnTaken = false;
    }

    /** Something of the role that is in memory already waits for more of it: nothing else of the role comes in meanwhile. */
    public synchronized void claim(long role, boolean now) {
        if (now) {
            claimed.add(role);
        } else {
            claimed.remove(role);
        }
    }

    public synchronized boolean isClaimed(long role) {
        return claimed.contains(role);
    }

    /** Whether somebody has asked in vain, and nothing was given back since. */
    public synchronized boolean isWanted() {
        return wanted;
    }

    /** Takes bytes that are there already, whatever the share: somebody else has bounded them. */
    public synchronized void force(long role, long bytes) {
        add(role, bytes);
    }

    private void add(long role, long bytes) {
        taken.merge(role, bytes, Long::sum);
        sum += bytes;
    }

    /** Gives bytes back. */
    public void give(long role, long bytes) {
        if (bytes == 0) {
            return;
        }
        boolean tell;
        synchronized (this) {
            taken.computeIfPresent(role, (oid, has) -> has > bytes ? has - bytes : null);
            sum -= bytes;
            tell = wanted;
            wanted = false;
        }
        if (tell) {
            onFree.run();
        }
    }

    /**
     * Whether waiting instances should leave memory: half of everything, or of the role's share, is taken, or another one needs much at
     * once to go on or to come in.
     */
    public synchronized boolean isCrowded(long role) {
        long has = taken.getOrDefault(role, 0L);
        return !claimed.isEmpty() || kept > 0 || sum > total / 2 || has > Share.of(total, sum - has) / 2;
    }

    /** Bytes that are taken. */
    public synchronized long taken() {
        return sum;
    }

    /** Bytes that a role has taken. */
    public synchronized long taken(long role) {
        return taken.getOrDefault(role, 0L);
    }

    /** Bytes that there are. */
    public long total() {
        return total;
    }

    /** A part of the memory that belongs to one thing. */
    public Holding hold(long role) {
        return new Holding(this, role);
    }

    /** The bytes that one holder has taken. Thread-safe. */
    public static final class Holding {

        private final MemoryQuota quota;
        private final long role;
        private long bytes;
        private boolean closed;

        private Holding(MemoryQuota quota, long role) {
            this.quota = quota;
            this.role = role;
        }

        /** Takes more; false when it cannot be had now. */
        public synchronized boolean take(long more) {
            if (closed || !quota.take(role, more)) {
                return false;
            }
            bytes += more;
            return true;
        }

        /** Takes more for what comes in, see {@link MemoryQuota#takeInTurn}. */
        public synchronized boolean takeInTurn(long more) {
            return takeInTurn(more, bytes);
        }

        /**
         * Takes more for what belongs to something in memory, see {@link MemoryQuota#takeInTurn}.
         *
         * @param own bytes of that
         */
        public synchronized boolean takeInTurn(long more, long own) {
            if (closed || !quota.takeInTurn(role, more, own)) {
                return false;
            }
            bytes += more;
            return true;
        }

        /** Takes bytes that another limit has bounded. */
        public synchronized void force(long more) {
            if (!closed) {
                quota.force(role, more);
                bytes += more;
            }
        }

        /** Gives a part back. */
        public void give(long less) {
            long given;
            synchronized (this) {
                given = Math.min(bytes, less);
                bytes -= given;
            }
            quota.give(role, given);
        }

        /** Holds so much from now on, whatever the share: somebody else has bounded it. */
        public void set(long now) {
            long less;
            synchronized (this) {
                less = bytes - now;
                if (less < 0) {
                    force(-less);
                    return;
                }
            }
            give(less);
        }

        /** The most that it can have, see {@link MemoryQuota#most()}. */
        public long most() {
            return quota.most();
        }

        public synchronized long bytes() {
            return bytes;
        }

        /** Gives everything back, and takes nothing more. */
        public void close() {
            long given;
            synchronized (this) {
                given = bytes;
                bytes = 0;
                closed = true;
            }
            quota.give(role, given);
        }
    }
}
