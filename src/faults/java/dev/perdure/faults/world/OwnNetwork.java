package dev.perdure.faults.world;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A network namespace of this process, whose loopback interface is its only one. The kernel drops in it what it is told to; nothing
 * else on this machine notices. Linux, as root, with {@code unshare} and {@code iptables}.
 */
public final class OwnNetwork {

    private static final String INSIDE = "faults.own-network";

    private OwnNetwork() {}

    /** Whether this process is in one. */
    public static boolean isHere() {
        return Boolean.getBoolean(INSIDE);
    }

    /** Whether this machine lets us have one. */
    public static boolean isPossible() throws IOException, InterruptedException {
        try {
            return run(inside("iptables -A INPUT -p tcp --dport 5 -j DROP", List.of())) == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Runs a main class once more, in a process that has a network of its own; what it prints is printed here.
     *
     * @param properties further ones, such as {@code faults.seed=1}; those of this process that begin with faults. come along
     * @return its last line
     */
    public static String run(Class<?> main, List<String> properties) throws IOException, InterruptedException {
        List<String> java = new ArrayList<>();
        java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        java.addAll(List.of("-cp", classPath(main), "-D" + INSIDE + "=true"));
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith("faults.") || name.startsWith("perdure.") || name.startsWith("postgres."))
                .forEach(name -> java.add("-D" + name + "=" + System.getProperty(name)));
        properties.forEach(property -> java.add("-D" + property));
        java.add(main.getName());
        Process process = new ProcessBuilder(inside("exec \"$@\"", java))
                .redirectErrorStream(true)
                .start();
        Thread hook = new Thread(process::destroy, "end own network");
        Runtime.getRuntime().addShutdownHook(hook);
        process.getOutputStream().close();
        String last = "";
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                System.out.println(line);
                last = line;
            }
        }
        process.waitFor();
        Runtime.getRuntime().removeShutdownHook(hook);
        return last;
    }

    /** Drops, from now on, what goes to and comes from the given ports of the loopback address, if the other end is {@code server}. */
    public static void drop(int server, List<Integer> clients) throws IOException, InterruptedException {
        StringBuilder rules = new StringBuilder("*filter\n");
        for (int client : clients) {
            rules.append("-A INPUT -p tcp --sport ").append(client).append(" --dport ").append(server).append(" -j DROP\n");
            rules.append("-A INPUT -p tcp --sport ").append(server).append(" --dport ").append(client).append(" -j DROP\n");
        }
        rules.append("COMMIT\n");
        Process process = new ProcessBuilder("iptables-restore", "--noflush").inheritIO()
                .redirectInput(ProcessBuilder.Redirect.PIPE)
                .start();
        try (var input = process.getOutputStream()) {
            input.write(rules.toString().getBytes(StandardCharsets.UTF_8));
        }
        if (process.waitFor() != 0) {
            throw new IOException("iptables-restore: " + process.exitValue());
        }
    }

    /** Nothing is dropped any more. */
    public static void flow() throws IOException, InterruptedException {
        run(List.of("iptables", "-F", "INPUT"));
    }

    private static List<String> inside(String script, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of("unshare", "--net", "sh", "-c", "ip link set lo up && " + script, "sh"));
        command.addAll(arguments);
        return command;
    }

    private static int run(List<String> command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }

    /** Maven runs the suite in its own process, with a class loader for it. */
    private static String classPath(Class<?> main) {
        return main.getClassLoader() instanceof URLClassLoader loader
                ? Stream.of(loader.getURLs()).map(URL::getPath).collect(Collectors.joining(":"))
                : System.getProperty("java.class.path");
    }
}
