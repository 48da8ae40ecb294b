namespace OnCache.Operator.Controllers;

/// <summary>Something a person who looks at an object should know.</summary>
/// <param name="IsWarning">Whether it needs attention.</param>
/// <param name="Reason">One word for programs.</param>
/// <param name="Note">What happened.</param>
internal sealed record ClusterEvent(bool IsWarning, string Reason, string Note);
