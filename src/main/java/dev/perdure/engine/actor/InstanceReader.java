package dev.perdure.engine.actor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.template.AddressBook;
import dev.perdure.flow.template.TextLimits;
import dev.perdure.graph.Graph;
import dev.perdure.graph.GraphReader;
import dev.perdure.graph.InvalidGraphException;
import dev.perdure.session.SessionPools;
import dev.perdure.store.LoadedInstance;
import java.util.Map;
import java.util.Objects;

/** Decides whether an instance that was read may run at all (specification 4.1), and makes its state. */
final class InstanceReader {

    /** The instance cannot run; the message is its error text. */
    static final class RefusedException extends Exception {

        private static final long serialVersionUID = 1L;

        RefusedException(String message) {
            super(message);
        }
    }

    private static final ObjectMapper JSON = new ObjectMapper();

    private final TextLimits limits;
    private final AddressBook addresses;
    private final Home home;

    /**
     * A reader of instances.
     *
     * @param most bytes that one role can have
     * @param addresses that steps hand out
     * @param home of the instances that are read
     */
    InstanceReader(long most, AddressBook addresses, Home home) {
        this.addresses = addresses;
        this.home = home;
        this.limits = new TextLimits(
                (int) Math.min(TextLimits.DEFAULT.made(), most / 8),
                (int) Math.min(TextLimits.DEFAULT.referenced(), most / 16),
                most / 2);
    }

    LoadedState read(LoadedInstance loaded) throws RefusedException {
        LoadedInstance.Submitter submitter = loaded.submitter();
        String role = submitter.name();
        if (role == null) {
            throw new RefusedException("Instance " + loaded.id() + ": submitted_by role no longer exists in pg_roles");
        }
        if (submitter.blocked()) {
            throw new RefusedException("pg_durable blocked instance " + loaded.id() + ": submitted_by role \"" + role
                    + "\" is a superuser, but pg_durable.enable_superuser_instances is off");
        }
        if (!loaded.strangers().isEmpty()) {
            throw new RefusedException("Instance " + loaded.id() + ": node "
                    + loaded.strangers().get(0) + " has another submitted_by or database than the instance");
        }
        if (loaded.definitionBytes() > LoadedInstance.MAX_DEFINITION_BYTES) {
            throw new RefusedException("Instance " + loaded.id() + ": the texts of its nodes have "
                    + loaded.definitionBytes() + " bytes in all, more than " + LoadedInstance.MAX_DEFINITION_BYTES
                    + ". Put large values into a table and let the steps read them there");
        }
        if (loaded.unreadable() != null) {
            throw new IllegalStateException(loaded.unreadable());
        }
        try {
            Graph graph = GraphReader.read(loaded.id(), loaded.rootNode(), loaded.nodes());
            InstanceState state = InstanceState.load(
                    loaded.id(),
                    loaded.label(),
                    vars(loaded),
                    graph,
                    loaded.recorded(),
                    limits,
                    loaded.executionCount(),
                    addresses);
            Ledger ledger = new Ledger(loaded.version(), loaded.versionOfNode(), loaded.emptyVersions());
            return new LoadedState(
                    origin(loaded),
                    new SessionPools.Key(submitter.oid(), loaded.database()),
                    state,
                    ledger,
                    LoadedState.footprint(loaded.definitionBytes() + varsLength(loaded)),
                    loaded.isMarked(),
                    home,
                    null);
        } catch (InvalidGraphException e) {
            throw new RefusedException(String.valueOf(e.getMessage()));
        }
    }

    static InstanceOrigin origin(LoadedInstance loaded) {
        String role = loaded.submitter().name();
        return new InstanceOrigin(
                loaded.id(),
                loaded.label(),
                role == null ? "role " + loaded.submitter().oid() : role,
                loaded.createdAt());
    }

    private static int varsLength(LoadedInstance loaded) {
        return loaded.vars() == null ? 0 : loaded.vars().length();
    }

    private static Map<String, String> vars(LoadedInstance loaded) throws RefusedException {
        if (loaded.vars() == null) {
            return Map.of();
        }
        try {
            Map<String, String> vars = JSON.readValue(loaded.vars(), new TypeReference<Map<String, String>>() {});
            // A variable without a value (df.vars takes NULL) is none: its braces stay as they are.
            vars.values().removeIf(Objects::isNull);
            return vars;
        } catch (JsonProcessingException e) {
            throw new RefusedException("Instance " + loaded.id()
                    + ": the captured variables (df.instances.vars) are not an object of texts");
        }
    }
}
