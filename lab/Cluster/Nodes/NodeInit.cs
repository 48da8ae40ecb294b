namespace OnCache.Lab.Cluster.Nodes;

/// <summary>The first process of a node: makes the node's mounts, then waits and reaps as process 1. With it the whole node ends.</summary>
internal static class NodeInit
{
    /// <summary>
    /// What kubelet would set on the machine as a whole. It writes only what differs: where it finds these values, it changes nothing, so each
    /// node is shown them, and nothing has to be restored.
    /// </summary>
    private static readonly (string Key, string Value)[] KubeletTunables =
    [
        ("vm/overcommit_memory", "1"), ("vm/panic_on_oom", "0"),
        ("kernel/panic", "10"), ("kernel/panic_on_oops", "1"),
        ("kernel/keys/root_maxkeys", "1000000"), ("kernel/keys/root_maxbytes", "25000000"),
    ];

    /// <summary>For <c>sh -c</c> with the arguments of <see cref="Arguments"/>, in new mount, UTS and PID namespaces.</summary>
    /// <remarks>/proc still is the one outside at first: the shell's own line in it names this process as the outside knows it.</remarks>
    public static string Script { get; } = $"""
        set -e
        node=$1 folder=$2 components=$3
        read -r stat </proc/self/stat
        echo "$stat" >"$folder/init"
        hostname "$node"

        mount --rbind /sys/fs/cgroup "$folder/cgroup"
        mount -t sysfs sysfs /sys
        mount --rbind "$folder/cgroup" /sys/fs/cgroup
        umount -l "$folder/cgroup"
        mount -t bpf -o mode=0700 bpf /sys/fs/bpf
        mount -t proc proc /proc

        tunable() (
          [ -e "/proc/sys/$1" ] || exit 0
          shown="$folder/sysctl/$(echo "$1" | tr / .)"
          echo "$2" >"$shown"
          mount --bind "$shown" "/proc/sys/$1"
        )
        {string.Join('\n', KubeletTunables.Select(tunable => $"tunable {tunable.Key} {tunable.Value}"))}

        mount --bind "$components" "$folder/run/kubernetes"
        mount --rbind "$folder/run" /run
        mount --bind "$folder/log" /var/log
        mount --rbind "$folder/lib" /var/lib
        mount --make-rshared /
        : >/run/ready
        exec {NodeFiles.Programs}/pause
        """;

    public static IReadOnlyList<string> Arguments(string node, NodeFiles files, string components) =>
    [
        "--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "private",
        "/bin/sh", "-c", Script, "sh", node, files.Folder, components,
    ];
}
