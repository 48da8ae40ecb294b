namespace OnCache.Operator.Tests.Live;

/// <summary>The same where objects of our definitions are judged by the rules in CEL too.</summary>
public sealed class CelServer() : LiveServer(knowsCel: true);
