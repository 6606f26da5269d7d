package dev.perdure.engine;

import dev.perdure.database.LogText;
import dev.perdure.store.AddressKey;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** Looks now and then whether {@code df.rotate_address_key} has changed the key that signs addresses. */
final class KeyChange implements Runnable {

    private static final Logger LOG = Logger.getLogger(KeyChange.class);
    /** Runs, one a second, for each look. */
    private static final int RUNS = 10;

    private final SignedAddresses addresses;
    private final Supplier<AddressKey> current;
    private int run;

    KeyChange(SignedAddresses addresses, Supplier<AddressKey> current) {
        this.addresses = addresses;
        this.current = current;
    }

    @Override
    public synchronized void run() {
        if (!addresses.isInUse() || ++run % RUNS != 0) {
            return;
        }
        try {
            addresses.sign(current.get());
        } catch (CompletionException e) {
            // A lost connection, or a term that is over, of which others tell.
            LOG.debugf("The key of addresses was not read: %s", LogText.of(String.valueOf(e.getMessage())));
        }
    }
}
