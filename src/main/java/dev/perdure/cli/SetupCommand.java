package dev.perdure.cli;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.InvalidDatabaseUrlException;
import dev.perdure.doctor.Doctor;
import dev.perdure.doctor.Finding;
import dev.perdure.setup.Access;
import dev.perdure.setup.AccessLines;
import dev.perdure.setup.AccessMethod;
import dev.perdure.setup.PasswordBook;
import dev.perdure.setup.Plan;
import dev.perdure.setup.ServerFacts;
import dev.perdure.setup.Setup;
import dev.perdure.setup.SetupException;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code perdure setup}: makes a database ready for a worker, or prints the statements that would. */
@RegisterForReflection
@Command(
        name = "setup",
        description = {
            "Makes a database ready for a worker: roles, rights, the schema df; and looks whether everybody gets in.",
            "Without --admin, or with --print, it prints the statements and the lines for pg_hba.conf and pg_ident.conf instead.",
            "What is there already is left as it is, so it may be run again."
        },
        mixinStandardHelpOptions = true)
final class SetupCommand implements Callable<Integer> {

    private static final int UNKNOWN_VERSION = 14;

    @Spec
    private CommandSpec spec;

    @Mixin
    private Administrator administrator;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description = "The worker's URL: its role becomes the owner of df. Default: PERDURE_DATABASE_URL.")
    private @Nullable String url;

    @Option(
            names = "--database",
            paramLabel = "NAME",
            description = "The one of several databases that has this name: perdure.databases.NAME.url.")
    private @Nullable String database;

    @Option(names = "--print", description = "Print the statements that are still needed, run none.")
    private boolean print;

    @Option(names = "--create-database", description = "Create the database of the URL when it does not exist.")
    private boolean createDatabase;

    @Option(
            names = "--submitter",
            paramLabel = "ROLE",
            description = "A role that starts workflows, created when it does not exist; again for another.")
    private List<String> submitters = new ArrayList<>();

    @Option(names = "--group", paramLabel = "ROLE", description = "The group of all submitters. Default: df_users.")
    private String group = "df_users";

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            description =
                    "How the worker logs in: password, certificate, peer or trust. Default: certificate when the URL has"
                            + " sslcert, peer when it names a Unix socket, else password.")
    private @Nullable AccessMethod method;

    @Option(
            names = "--worker-address",
            paramLabel = "ADDRESS",
            description =
                    "From where the worker reaches the server, as in pg_hba.conf: 10.0.7.21/32. Default: from where --admin does.")
    private @Nullable String workerAddress;

    @Option(
            names = "--system-user",
            paramLabel = "USER",
            description = "The worker's user in the operating system, for peer. Default: who runs this.")
    private String systemUser = System.getProperty("user.name", "perdure");

    @Option(
            names = "--password-file",
            paramLabel = "FILE",
            description =
                    "The worker's password file, which new passwords are written to. Default: passfile of the URL, PGPASSFILE, else perdure.pgpass.")
    private @Nullable Path passwordFile;

    @Option(
            names = "--password-of",
            paramLabel = "ROLE=FILE",
            description =
                    "The role gets the password in the first line of this file (- is the standard input); again for another."
                            + " New roles without it get a random one; the others keep theirs.")
    private Map<String, String> passwordsOf = new LinkedHashMap<>();

    SetupCommand() {}

    @Override
    public Integer call() throws SQLException, IOException, SetupException {
        Secrets secrets = new Secrets();
        WorkerSettings settings = new WorkerSettings(database);
        Optional<DatabaseUrl> admin = administrator.url(secrets);
        DatabaseUrl worker = withPasswordFile(settings.url(url));
        Map<String, String> given = new LinkedHashMap<>();
        for (Map.Entry<String, String> password : passwordsOf.entrySet()) {
            given.put(password.getKey(), secrets.read(password.getKey(), password.getValue()));
        }
        Optional<ServerFacts> facts = Optional.empty();
        if (admin.isPresent()) {
            facts = Optional.of(ServerFacts.read(createDatabase ? admin.get().withDatabase("postgres") : admin.get()));
        }
        Plan plan = new Plan(worker.database(), worker.user(), group, submitters, access(worker, facts));
        PasswordBook passwords = new PasswordBook(worker, settings.login(), file(worker));
        PrintWriter out = out();
        Setup setup = new Setup(
                plan, passwords, given, print || admin.isEmpty() ? line -> out.println("-- " + line) : out::println);
        if (print || admin.isEmpty()) {
            print(setup, plan, admin, facts);
            return 0;
        }
        if (createDatabase) {
            setup.createDatabase(admin.get());
        }
        setup.prepare(admin.get());
        Plan all = plan.withSubmitters(setup.submitters(admin.get()));
        return finish(setup, all, worker, settings, facts.orElseThrow());
    }

    private int finish(Setup setup, Plan plan, DatabaseUrl worker, WorkerSettings settings, ServerFacts facts)
            throws SQLException {
        PrintWriter out = out();
        Doctor doctor = new Doctor(new Doctor.Settings(
                worker, settings.login(), settings.hasPasswords(), settings.sessions(), submitters, true));
        Optional<String> refused = refusal(worker);
        if (refused.isEmpty()) {
            setup.install(worker);
        }
        out.println();
        List<Finding> findings = doctor.examine();
        int code = Findings.print(findings, out);
        boolean locked = findings.stream()
                .anyMatch(finding -> finding.isProblem()
                        && (finding.subject().equals("reach")
                                || finding.subject().startsWith("login ")));
        out.println();
        if (locked) {
            printLines(plan, facts.version(), Optional.of(facts));
            out.println("-- Then run this command again.");
        } else {
            // The script of a checkout says by which name it was called.
            String command = System.getProperty("app.name", "perdure");
            out.println("Start a worker:");
            out.println("  PERDURE_DATABASE_URL='" + worker + "' " + command);
            for (String submitter : submitters.subList(0, Math.min(1, submitters.size()))) {
                out.println("and, in another terminal, a workflow:");
                out.println("  " + command + " sql --url '" + ofPeople(worker, submitter)
                        + "' \"SELECT df.start('SELECT 1 AS one' ~> 'SELECT 2 AS two')\"");
            }
        }
        out.flush();
        return code;
    }

    /** Why the owner cannot log in; empty when it can. */
    private static Optional<String> refusal(DatabaseUrl worker) {
        try {
            worker.connect(Map.of("connectTimeout", "10", "loginTimeout", "20")).close();
            return Optional.empty();
        } catch (SQLException | InvalidDatabaseUrlException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private void print(Setup setup, Plan plan, Optional<DatabaseUrl> admin, Optional<ServerFacts> facts)
            throws SQLException, IOException, SetupException {
        PrintWriter out = out();
        List<String> statements =
                admin.isPresent() && !createDatabase ? setup.missing(admin.get()) : setup.statements();
        out.println("-- As an administrator, in the database " + plan.database()
                + (admin.isEmpty() ? "; leave out what is there already:" : ":"));
        if (createDatabase) {
            out.println("-- (first, in another one: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8')");
        }
        statements.forEach(out::println);
        if (statements.isEmpty()) {
            out.println("-- nothing, all of it is there");
        }
        out.println();
        Plan all = admin.isPresent()
                ? plan.withSubmitters(
                        setup.submitters(createDatabase ? admin.get().withDatabase("postgres") : admin.get()))
                : plan;
        printLines(all, facts.map(ServerFacts::version).orElse(UNKNOWN_VERSION), facts);
        out.println();
        out.println("-- Then start a worker, which installs the schema df, and as " + plan.owner() + ":");
        out.println(setup.ownersStatement());
        out.flush();
    }

    /** As comments, so that psql can be given all of it. */
    private void printLines(Plan plan, int version, Optional<ServerFacts> facts) {
        PrintWriter out = out();
        AccessLines lines = AccessLines.of(plan, version);
        out.println("-- " + facts.flatMap(ServerFacts::hbaFile).orElse("pg_hba.conf") + ", above all other lines"
                + (plan.access().method() == AccessMethod.PASSWORD
                        ? ", unless one of them lets these roles in by a password already:"
                        : ":"));
        lines.hba().forEach(line -> out.println("--   " + line));
        if (!lines.ident().isEmpty()) {
            out.println("-- " + facts.flatMap(ServerFacts::identFile).orElse("pg_ident.conf") + ":");
            lines.ident().forEach(line -> out.println("--   " + line));
            if (facts.isEmpty()) {
                out.println("-- (from PostgreSQL 16 on one line does for all submitters: perdure  … +" + plan.group()
                        + ")");
            }
        }
        if (!lines.caution().isEmpty()) {
            out.println("-- " + lines.caution());
        }
        out.println("-- and make the server read them:");
        out.println("SELECT pg_reload_conf();");
    }

    private Access access(DatabaseUrl worker, Optional<ServerFacts> facts) {
        AccessMethod chosen = method(worker);
        boolean socket = worker.usesUnixSocket();
        if (chosen == AccessMethod.PEER && !socket) {
            throw new UsageException(
                    "peer needs a Unix socket in the worker's URL: postgresql://df_worker@/app?host=/run/postgresql");
        }
        if (chosen == AccessMethod.CERTIFICATE && worker.parameter("sslcert").isEmpty()) {
            throw new UsageException("certificate needs sslcert and sslkey in the worker's URL");
        }
        String knownAs = chosen == AccessMethod.CERTIFICATE
                ? CertificateName.of(Path.of(worker.parameter("sslcert").orElseThrow()))
                : systemUser;
        boolean tls = !worker.parameter("sslmode").orElse("prefer").equals("disable") && !socket;
        return new Access(
                chosen, socket ? "" : address(worker, facts), socket, tls && encrypts(chosen, worker), knownAs);
    }

    private static boolean encrypts(AccessMethod method, DatabaseUrl worker) {
        return method == AccessMethod.CERTIFICATE
                || worker.parameter("sslmode")
                        .filter(mode -> !mode.equals("prefer") && !mode.equals("allow"))
                        .isPresent()
                || worker.parameter("sslrootcert").isPresent();
    }

    private AccessMethod method(DatabaseUrl worker) {
        if (method != null) {
            return method;
        }
        if (worker.parameter("sslcert").isPresent()) {
            return AccessMethod.CERTIFICATE;
        }
        return worker.usesUnixSocket() ? AccessMethod.PEER : AccessMethod.PASSWORD;
    }

    private String address(DatabaseUrl worker, Optional<ServerFacts> facts) {
        if (workerAddress != null) {
            return workerAddress;
        }
        if (facts.isPresent()) {
            return facts.get().address();
        }
        if (worker.hosts().stream().allMatch(SetupCommand::isLoopback)) {
            return "samehost";
        }
        throw new UsageException(
                "From where will the worker reach the server? --worker-address 10.0.7.21/32, for example");
    }

    private static boolean isLoopback(DatabaseUrl.Host host) {
        try {
            return InetAddress.getByName(host.name()).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    private DatabaseUrl withPasswordFile(DatabaseUrl worker) {
        boolean needed = passwordFile != null
                || method(worker) == AccessMethod.PASSWORD
                        && worker.parameter("passfile").isEmpty();
        return needed ? worker.withParameter("passfile", file(worker).toString()) : worker;
    }

    private Path file(DatabaseUrl worker) {
        Path named = passwordFile != null
                ? passwordFile
                : Path.of(worker.parameter("passfile")
                        .or(() -> Optional.ofNullable(System.getenv("PGPASSFILE")))
                        .orElse("perdure.pgpass"));
        return named.toAbsolutePath().normalize();
    }

    /** The worker's certificate is not for people. */
    private static String ofPeople(DatabaseUrl worker, String submitter) {
        return worker.withUser(submitter, null)
                .toString()
                .replaceAll("(?<=[?&])ssl(cert|key)=[^&]*&?", "")
                .replaceAll("[?&]$", "");
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
