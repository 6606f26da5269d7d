package dev.perdure.kubernetes.watch;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The resources that the watches have shown. Bounded: of many documents only the first ones are kept. Thread-safe. */
@Singleton
public class ResourceCache {

    private static final long BUDGET = 48L << 20;

    private final Map<ResourceKey, Seen> all = new HashMap<>();
    /** Versions that are known from the answers to requests, and that no watch has shown yet. */
    private final Map<ResourceKey, Set<String>> untold = new HashMap<>();

    private final long budget;
    private long kept;

    @Inject
    public ResourceCache() {
        this(BUDGET);
    }

    /**
     * @param budget of bytes for documents
     */
    ResourceCache(long budget) {
        this.budget = budget;
    }

    public synchronized @Nullable Seen get(ResourceKey key) {
        return all.get(key);
    }

    /**
     * Takes a state that a watch has shown; returns whether it is news.
     *
     * <p>What was known from an answer is known to who asked; but of a run it has to be looked at when it was created, and its end
     * concerns its schedule. An older state that is nobody's answer was written by somebody else in between: then what is known may
     * have in it what nobody here has looked at.
     */
    public synchronized boolean put(Seen seen) {
        Seen before = all.get(seen.key());
        boolean isKnown = before != null && seen.version().equals(before.version());
        Set<String> answers = untold.getOrDefault(seen.key(), new HashSet<>());
        if (answers.remove(seen.version())) {
            if (answers.isEmpty()) {
                untold.remove(seen.key());
            }
            return isKnown && seen.controllerUid() != null;
        }
        if (isKnown) {
            return false;
        }
        if (before == null || !seen.isBefore(before)) {
            untold.remove(seen.key());
            take(seen);
        }
        return true;
    }

    private void take(Seen seen) {
        forget(all.get(seen.key()));
        boolean fits = seen.resource() != null && kept + seen.bytes() <= budget;
        if (fits) {
            kept += seen.bytes();
        }
        all.put(seen.key(), fits ? seen : seen.withoutDocument());
    }

    /** Takes an answer to a request, which can be newer than the watch; returns the resource in it. */
    public synchronized Resource keep(ResourceKind kind, JsonNode answer) {
        Resource resource = Resource.of(kind, answer);
        Seen seen = Seen.of(resource, Sizes.of(answer, Seen.SMALL + 1));
        Seen before = all.get(seen.key());
        if (before == null || !seen.isBefore(before) && !seen.version().equals(before.version())) {
            take(seen);
            untold.computeIfAbsent(seen.key(), key -> new HashSet<>()).add(seen.version());
        }
        return resource;
    }

    /** Marks a resource that may have changed without notice: it is read when it is looked at. */
    public synchronized void doubt(ResourceKey key) {
        Seen seen = all.get(key);
        if (seen != null) {
            forget(seen);
            all.put(key, seen.withoutDocument());
        }
    }

    public synchronized void remove(ResourceKey key) {
        forget(all.remove(key));
        untold.remove(key);
    }

    /** Takes a list of all of a kind in a namespace; returns the new, changed and gone ones. */
    synchronized Set<ResourceKey> replace(ResourceKind kind, String namespace, Collection<Seen> listed) {
        Set<ResourceKey> gone = new HashSet<>();
        for (Seen seen : all.values()) {
            if (seen.key().kind() == kind && seen.key().namespace().equals(namespace)) {
                gone.add(seen.key());
            }
        }
        Set<ResourceKey> changed = new HashSet<>();
        for (Seen seen : listed) {
            gone.remove(seen.key());
            if (put(seen)) {
                changed.add(seen.key());
            }
        }
        gone.forEach(this::remove);
        changed.addAll(gone);
        return changed;
    }

    public synchronized List<Seen> select(Predicate<Seen> which) {
        return all.values().stream().filter(which).toList();
    }

    private void forget(@Nullable Seen before) {
        if (before != null && before.resource() != null) {
            kept -= before.bytes();
        }
    }
}
