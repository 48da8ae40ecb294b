using System.Globalization;

namespace OnCache.Agent.Bpf;

/// <summary>What a map costs the kernel, from the fdinfo of its descriptor.</summary>
internal static class BpfMapMemory
{
    private const string Label = "memlock:";

    /// <summary>Bytes; 0 on a kernel that does not tell.</summary>
    public static long Of(int fd) =>
        File.ReadLines($"/proc/self/fdinfo/{fd}")
            .Where(static line => line.StartsWith(Label, StringComparison.Ordinal))
            .Select(static line => long.Parse(line.AsSpan(Label.Length).Trim(), CultureInfo.InvariantCulture))
            .FirstOrDefault();
}
