using System.Globalization;
using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Api;

namespace OnCache.Agent.Daemon;

/// <summary>Caches of the sizes that are asked for cannot be had; others stay in force.</summary>
/// <param name="Asked">What the configuration asks for.</param>
/// <param name="Reason">Of the condition: <see cref="ConditionReason"/>.</param>
/// <param name="Message">What was asked, what is in force, what would help.</param>
/// <param name="Attempts">How often it was tried.</param>
internal sealed record SizesRefusal(DatapathSizes Asked, string Reason, string Message, int Attempts)
{
    private const int OutOfMemory = 12;

    /// <summary>Whether a failure says that the sizes, or what comes with them, cannot be had; anything else is a fault of ours.</summary>
    public static bool IsOne(Exception failure) => failure is BpfException or DatapathException or IOException or UnauthorizedAccessException;

    /// <summary>Whether smaller caches may fit.</summary>
    public static bool IsOfMemory(Exception failure) => failure is BpfException { Errno: OutOfMemory };

    /// <param name="failure">Why they cannot be had.</param>
    /// <param name="former">The refusal before this one, if there was one.</param>
    public static SizesRefusal Of(DatapathSizes asked, DatapathSizes inForce, Exception failure, SizesRefusal? former)
    {
        var isOfMemory = IsOfMemory(failure);
        var need = $"cacheSizes {Words(asked)} need {Megabytes(asked.Bytes)} MB of kernel memory beside what is in use";
        var help = isOfMemory ? "; raise the memory limit of the agent's container, or lower spec.cacheSizes" : "; it is tried again";
        return new SizesRefusal(
            asked,
            isOfMemory ? ConditionReason.InsufficientMemory : ConditionReason.Failed,
            $"{need}: {failure.Message}; in force are {Words(inForce)} with {Megabytes(inForce.Bytes)} MB, and all else that is configured{help}",
            former?.Asked == asked ? former.Attempts + 1 : 1);
    }

    private static string Words(DatapathSizes sizes) => $"filter {sizes.Filter}, egress {sizes.Egress}, ingress {sizes.Ingress}";

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture);
}
