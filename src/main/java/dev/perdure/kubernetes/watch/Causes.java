package dev.perdure.kubernetes.watch;

import java.util.ArrayList;
import java.util.List;

/** Why something failed, on one line. */
public final class Causes {

    private Causes() {}

    /** The messages of an exception and its causes, each once. */
    public static String text(Throwable problem) {
        List<String> messages = new ArrayList<>();
        for (Throwable cause = problem; cause != null && messages.size() < 5; cause = cause.getCause()) {
            String message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
            if (messages.stream().noneMatch(said -> said.contains(message))) {
                messages.add(message);
            }
        }
        return String.join(": ", messages).replace('\n', ' ');
    }
}
