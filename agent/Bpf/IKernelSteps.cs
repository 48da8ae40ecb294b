namespace OnCache.Agent.Bpf;

/// <summary>
/// The one way to whatever changes the kernel and can be refused by it: a map, a pin, an attachment. Between any two steps
/// the agent may die, so each must leave a datapath that is safe as it stands.
/// </summary>
internal interface IKernelSteps
{
    /// <summary>Carries out one step.</summary>
    /// <param name="step">What it is, for whoever reads of its failure.</param>
    /// <returns>0 or more, or -errno.</returns>
    int Try(string step, Func<int> call);

    /// <summary>Between two stores into mapped memory, which nobody can refuse: programs may run here.</summary>
    void BetweenStores()
    {
    }
}

/// <summary>Straight to the kernel.</summary>
internal sealed class KernelSteps : IKernelSteps
{
    private KernelSteps()
    {
    }

    public static IKernelSteps Direct { get; } = new KernelSteps();

    public int Try(string step, Func<int> call) => call();
}

internal static class KernelStepsExtensions
{
    /// <summary>A step that must succeed.</summary>
    /// <exception cref="BpfException">It was refused.</exception>
    public static int Do(this IKernelSteps steps, string step, Func<int> call) => BpfException.Check(steps.Try(step, call), step);
}
