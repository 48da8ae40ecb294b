namespace OnCache.Kubernetes.Events;

/// <summary>What makes two events the same.</summary>
/// <param name="Uid">The object.</param>
/// <param name="Type">Normal or a warning.</param>
/// <param name="Reason">Why.</param>
/// <param name="Note">The sentence.</param>
internal readonly record struct EventKey(string Uid, EventType Type, string Reason, string Note);
