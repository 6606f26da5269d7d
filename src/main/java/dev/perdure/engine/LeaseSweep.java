package dev.perdure.engine;

import dev.perdure.database.LogText;
import dev.perdure.store.OwnerQueries.Swept;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Has activities given back whose leases have ended, one look after the other: each second while there are any, and now and then while there
 * are none. One thread at a time.
 */
final class LeaseSweep implements Runnable {

    private static final Logger LOG = Logger.getLogger(LeaseSweep.class);
    /** Looks that are left out while there are no activities. */
    private static final int LEFT_OUT = 3;
    /** In one run: what a program does not claim any more can be a million. */
    private static final int MOST = 20;

    private final Supplier<Swept> sweeps;
    private int leftOut = LEFT_OUT;
    private boolean present = true;

    LeaseSweep(Supplier<Swept> sweeps) {
        this.sweeps = sweeps;
    }

    @Override
    public synchronized void run() {
        if (!present && leftOut < LEFT_OUT) {
            leftOut++;
            return;
        }
        leftOut = 0;
        try {
            Swept swept = sweeps.get();
            for (int i = 1; swept.more() && i < MOST; i++) {
                swept = sweeps.get();
            }
            present = swept.present();
        } catch (CompletionException e) {
            // A lost connection, or a term that is over, of which others tell.
            LOG.debugf("Leases of activities were not looked at: %s", LogText.of(String.valueOf(e.getMessage())));
        }
    }
}
