package dev.perdure.testing;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/**
 * Tests wait for a condition two minutes long before they call it a failure, unless they say otherwise: Awaitility's own 10 s
 * are too short for a machine that has other work. A test that passes takes no longer.
 */
public final class Patience implements LauncherSessionListener {

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        Awaitility.setDefaultTimeout(Duration.ofSeconds(120));
    }
}
