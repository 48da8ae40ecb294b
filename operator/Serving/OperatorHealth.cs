namespace OnCache.Operator.Serving;

/// <summary>Whether the operator can do its work.</summary>
/// <param name="NotReady">What is still missing; absent when nothing is.</param>
internal readonly record struct OperatorHealth(string? NotReady);
