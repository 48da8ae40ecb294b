namespace OnCache.Agent.Datapath;

/// <summary>This machine cannot run the datapath, or not with these settings; the message is one line for the user.</summary>
internal sealed class DatapathException(string message) : Exception(message);
